package drivers

import (
	"errors"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// SuspendLeases ends (or takes up again) all that renews a driver's lease: a server whose log takes nothing cannot stop the swarm,
// so the swarm must come to stop by itself. Heartbeats, pings of drivers and new connections are not answered meanwhile.
func (r *Registry) SuspendLeases(on bool) {
	if r.suspended.Swap(on) == on {
		return
	}
	if on {
		r.cfg.Logger.Error("leases are not renewed any more: drivers follow on_lease_lost unless the log takes entries again", "lease_ttl", r.cfg.LeaseTTL)
	} else {
		r.cfg.Logger.Warn("leases are renewed again")
	}
}

// SetHeartbeatInterval tells every driver, those to come as well, to send a heartbeat every d. It fails when drivers would be
// stale between two heartbeats. Of a short lease a fifth is told if d is over that.
func (r *Registry) SetHeartbeatInterval(d time.Duration) error {
	if d <= 0 || d >= r.cfg.StaleAfter {
		return errors.New("the heartbeat interval must be positive and under stale-after")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.interval.Store(int64(r.cfg.interval(d)))
	for _, m := range r.connected() {
		m.session.tellInterval()
	}
	return nil
}

// SetLogID names the log anew, for drivers that register from now on.
func (r *Registry) SetLogID(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg.LogID = id
}

// renewLease answers a heartbeat when the last frame to the driver would be older than a fifth of the lease by the next one, and
// when the driver has not been told the heartbeat interval yet.
func (s *session) renewLease() {
	if s.r.suspended.Load() || s.tellInterval() {
		return
	}
	since := time.Duration(s.clock(time.Now()) - s.socket.sentAt.Load())
	if since+time.Duration(s.r.interval.Load()) >= s.r.cfg.LeaseTTL/5 {
		s.outbox.enqueue(heartbeatAck)
	}
}

var heartbeatAck = wire.Encode(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck})

// tellInterval says the heartbeat interval if it is not the one that the driver was told last. A outbox that has no room for it
// gets it with a later heartbeat.
func (s *session) tellInterval() (said bool) {
	interval := s.r.interval.Load()
	if s.told.Load() == interval {
		return false
	}
	ms := time.Duration(interval).Milliseconds()
	if !s.outbox.enqueue(wire.Encode(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck, HeartbeatIntervalMS: ms})) {
		return false
	}
	s.told.Store(interval)
	return true
}
