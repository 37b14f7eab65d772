package drivers

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// leases is the policy of what renews the leases of drivers: every frame does, and heartbeats are answered often enough
// for it.
type leases struct {
	ttl       time.Duration
	interval  atomic.Int64 // heartbeat interval that drivers are told
	suspended atomic.Bool  // leases are not renewed
}

// setInterval tells drivers to send heartbeats every d, or often enough to renew the lease four times over.
func (l *leases) setInterval(d time.Duration) { l.interval.Store(int64(min(d, l.ttl/5))) }

func (l *leases) every() time.Duration { return time.Duration(l.interval.Load()) }

// due reports whether a heartbeat must be answered: by the next one the last frame would be older than a fifth of the
// lease.
func (l *leases) due(sinceFrame time.Duration) bool { return sinceFrame+l.every() >= l.ttl/5 }

// SuspendLeases ends (or takes up again) all that renews a driver's lease: a server whose log takes nothing cannot stop
// the swarm, so the swarm must come to stop by itself. Heartbeats, pings of drivers and new connections are not
// answered meanwhile.
func (r *Registry) SuspendLeases(on bool) {
	if r.leases.suspended.Swap(on) == on {
		return
	}
	if on {
		r.logger.Error("leases are not renewed any more: drivers follow on_lease_lost unless the log takes entries "+
			"again",
			"lease_ttl", r.cfg.LeaseTTL)
	} else {
		r.logger.Warn("leases are renewed again")
	}
}

// SetHeartbeatInterval tells every driver, those to come as well, to send a heartbeat every d. It fails when drivers
// would be stale between two heartbeats. Of a short lease a fifth is told if d is over that.
func (r *Registry) SetHeartbeatInterval(d time.Duration) error {
	if d <= 0 || d >= r.cfg.StaleAfter {
		return errors.New("the heartbeat interval must be positive and under stale-after")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leases.setInterval(d)
	for _, m := range r.connected() {
		m.session.tellInterval()
	}
	return nil
}

// renewLease answers a heartbeat when the lease wants it, and when the driver has not been told the heartbeat interval
// yet.
func (s *session) renewLease() {
	if s.r.leases.suspended.Load() || s.tellInterval() {
		return
	}
	if s.r.leases.due(time.Duration(s.clock(time.Now()) - s.socket.sentAt.Load())) {
		s.outbox.enqueue(heartbeatAck)
	}
}

var heartbeatAck = wire.Encode(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck})

// tellInterval says the heartbeat interval if it is not the one that the driver was told last. An outbox that has no
// room for it gets it with a later heartbeat.
func (s *session) tellInterval() (said bool) {
	interval := s.r.leases.every()
	if s.told.Load() == int64(interval) {
		return false
	}
	ack := wire.HeartbeatAck{Type: wire.TypeHeartbeatAck, HeartbeatIntervalMS: interval.Milliseconds()}
	if !s.outbox.enqueue(wire.Encode(ack)) {
		return false
	}
	s.told.Store(int64(interval))
	return true
}
