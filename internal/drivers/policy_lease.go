package drivers

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// leases is the policy that renews the leases of drivers: every frame renews them, and heartbeats are answered often
// enough for that.
type leases struct {
	ttl       time.Duration
	interval  atomic.Int64 // heartbeat interval that drivers receive
	suspended atomic.Bool  // leases are not renewed
}

// setInterval makes drivers send heartbeats every d, or often enough to renew the lease four times over.
func (l *leases) setInterval(d time.Duration) { l.interval.Store(int64(min(d, l.ttl/5))) }

func (l *leases) every() time.Duration { return time.Duration(l.interval.Load()) }

// due reports whether a heartbeat must be answered: at the next heartbeat, the last frame would be older than a fifth
// of the lease.
func (l *leases) due(sinceFrame time.Duration) bool { return sinceFrame+l.every() >= l.ttl/5 }

// SuspendLeases stops (or resumes) everything that renews a driver's lease: a server whose log accepts nothing cannot
// stop the swarm, so the leases of the drivers must expire. While suspended, heartbeats, pings of drivers and new
// connections are not answered.
func (r *Registry) SuspendLeases(on bool) {
	if r.leases.suspended.Swap(on) == on {
		return
	}
	if on {
		r.logger.Error("leases are no longer renewed: drivers follow on_lease_lost unless the log accepts entries "+
			"again",
			"lease_ttl", r.cfg.LeaseTTL)
	} else {
		r.logger.Warn("leases are renewed again")
	}
}

// SetHeartbeatInterval tells every driver, including future ones, to send a heartbeat every d. It fails if drivers
// would be stale between two heartbeats. With a short lease, drivers receive a fifth of the lease if d is longer than
// that.
func (r *Registry) SetHeartbeatInterval(d time.Duration) error {
	if d <= 0 || d >= r.cfg.StaleAfter {
		return errors.New("the heartbeat interval must be positive and less than stale-after")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leases.setInterval(d)
	for _, m := range r.connected() {
		m.session.tellInterval()
	}
	return nil
}

// renewLease answers a heartbeat if the lease requires it, or if the driver has not received the heartbeat interval
// yet.
func (s *session) renewLease() {
	if s.r.leases.suspended.Load() || s.tellInterval() {
		return
	}
	if s.r.leases.due(time.Duration(s.clock(time.Now()) - s.socket.sentAt.Load())) {
		s.enqueue(wire.TypeHeartbeatAck, heartbeatAck)
	}
}

var heartbeatAck = wire.Encode(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck})

// tellInterval sends the heartbeat interval if it differs from the last one sent to the driver. If the outbox is full,
// a later heartbeat triggers it.
func (s *session) tellInterval() (said bool) {
	interval := s.r.leases.every()
	if s.sentInterval.Load() == int64(interval) {
		return false
	}
	ack := wire.HeartbeatAck{Type: wire.TypeHeartbeatAck, HeartbeatIntervalMS: interval.Milliseconds()}
	if !s.enqueue(wire.TypeHeartbeatAck, wire.Encode(ack)) {
		return false
	}
	s.sentInterval.Store(int64(interval))
	return true
}
