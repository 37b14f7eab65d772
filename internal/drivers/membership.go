package drivers

import (
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// join makes s the session of its driver and answers its register. Fold, answer and membership change under one lock: every
// command is either in the answer or comes after it. Nothing is logged under it: whoever reads the log may be slow.
func (r *Registry) join(s *session, reg *wire.Register) {
	r.mu.Lock()
	if !r.accepting {
		r.mu.Unlock()
		s.drain()
		return
	}
	s.adopt(reg)
	s.joinedAt = r.offered.Load()
	s.wanted = r.wanted(s, reg)
	s.outbox.enqueue(wire.Encode(r.registered(s)))
	var old *session
	var rivals rivalry
	if seat := r.seats[s.id]; seat != nil {
		if !maps.Equal(seat.session.labels, s.labels) {
			r.former.add(swarm.Former{ID: s.id, Labels: seat.session.labels, At: time.Now()})
		}
		s.inherit(seat.session)
		rivals = seat.rivals
		if seat.open() {
			old = seat.session
		}
	}
	conflict := false
	if old == nil {
		r.open++
	} else {
		old.makeWay(s)
		conflict = !old.sameProcess(s) && rivals.note(time.Now(), old.remoteAddr, s.remoteAddr)
	}
	r.seats[s.id] = &seat{id: s.id, session: s, rivals: rivals}
	r.former.back(s.id)
	r.joined, r.listed = nil, nil
	r.mu.Unlock()
	r.logJoin(s, reg, old, conflict)
}

func (r *Registry) logJoin(s *session, reg *wire.Register, old *session, conflict bool) {
	if conflict {
		r.cfg.Logger.Warn("several processes use one driver id and end each other's sessions; give each its own id",
			"driver_id", s.id, "from", old.remoteAddr, "to", s.remoteAddr)
	}
	if old != nil && !old.sameProcess(s) {
		r.cfg.Logger.Info("a newer session took a driver id over", "driver_id", s.id, "from", old.remoteAddr, "to",
			s.remoteAddr)
	}
	if reg.LeaseLost {
		r.cfg.Logger.Warn("a driver was without a server for longer than its lease", "driver_id", s.id, "on_lease_lost", r.cfg.OnLeaseLost)
	}
	r.cfg.Logger.Info("driver registered", "driver_id", s.id, "remote_addr", s.remoteAddr, "session", s.token, "desired", len(s.wanted))
}

// makeWay ends a session that a newer one takes the place of. It does not leave its rounds: the newer one may answer for it, and
// has been told what this one was not sent yet.
func (s *session) makeWay(newer *session) {
	s.replaced.Store(true)
	s.outbox.discard()
	if s.sameProcess(newer) {
		s.kill() // it came back before its old connection was known to be dead
		return
	}
	s.outbox.close(wire.CloseSuperseded)
}

func (s *session) sameProcess(other *session) bool {
	return s.instance != "" && s.instance == other.instance
}

// inherit takes over what is remembered of the driver and not said at register.
func (s *session) inherit(old *session) {
	old.mu.Lock()
	last := old.lastAck
	old.mu.Unlock()
	s.misses.Store(old.misses.Load())
	s.mu.Lock()
	s.lastAck = last
	s.mu.Unlock()
}

// wanted is what s has to be told: the fold, without what it cannot do, and without a Stop of the server's own when it is at rest
// already. A driver that does not say what it does is not at rest.
func (r *Registry) wanted(s *session, reg *wire.Register) []swarm.Wanted {
	var out []swarm.Wanted
	atRest := reg.State != nil && reg.State.Players == 0 && !reg.State.Running
	if atRest {
		s.atRest = s.joinedAt
	}
	for _, w := range r.cfg.Desired.For(s.id, s.labels) {
		if s.supports(w.Command.Type) && (!w.Reset || !atRest) {
			out = append(out, w)
		}
	}
	return out
}

func (r *Registry) registered(s *session) wire.Registered {
	s.told.Store(r.interval.Load())
	desired := make([]wire.Desired, len(s.wanted))
	for i, w := range s.wanted {
		desired[i] = wire.Desired{Seq: w.Seq, Command: toWire(w.Command)}
	}
	return wire.Registered{
		Type: wire.TypeRegistered, Session: s.token, LogID: r.cfg.LogID,
		HeartbeatIntervalMS: time.Duration(s.told.Load()).Milliseconds(),
		LeaseTTLMS:          r.cfg.LeaseTTL.Milliseconds(), OnLeaseLost: r.cfg.OnLeaseLost,
		Desired: desired,
	}
}

// leave takes a session out of the roster: one that ended, or one whose driver said goodbye (left), which is not shown as lost
// and whose connection ends later.
func (r *Registry) leave(s *session, left bool) {
	s.over.Store(!left)
	if r.vacate(s, left) {
		r.cfg.Logger.Info("driver left", "driver_id", s.id, "deregistered", left, "reason", s.endReason())
	}
}

// vacate reports false for a session that never registered, has left already, or was replaced.
func (r *Registry) vacate(s *session, left bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	seat := r.seats[s.id]
	if seat == nil || seat.session != s || !seat.open() {
		return false
	}
	seat.lostAt = time.Now()
	if left {
		delete(r.seats, s.id)
		r.former.add(swarm.Former{ID: s.id, Labels: s.labels, At: seat.lostAt, Deregistered: true})
		r.former.signal()
	}
	r.joined, r.listed = nil, nil
	r.open--
	r.sink.Disconnected(s.id, s.endReason())
	if r.open > 0 {
		return true
	}
	r.emptyAt = seat.lostAt
	if left && r.cfg.Desired.Running() {
		r.sink.Reset("the last driver deregistered")
	}
	return true
}

// forget drops a session whose connection has ended.
func (r *Registry) forget(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, s)
}

func newToken() string { return uuid.NewString() }
