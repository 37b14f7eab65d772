package drivers

import (
	"time"

	"github.com/google/uuid"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// join makes s the session of its driver and answers its register. Fold, answer and membership change under one lock: every
// command is either in the answer or comes after it.
func (r *Registry) join(s *session, reg *wire.Register) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.accepting {
		s.drain()
		return
	}
	s.adopt(reg)
	s.joinedAt = r.offered.Load()
	s.wanted = r.wanted(s, reg)
	if reg.LogID == r.cfg.LogID && reg.AppliedSeq > s.joinedAt {
		r.cfg.Logger.Error("a driver has applied a command that is not in this log: entries were lost",
			"driver_id", s.id, "applied_seq", reg.AppliedSeq, "last_seq", s.joinedAt)
	}
	s.box.say(wire.Encode(r.registered(s)))
	if old := r.seats[s.id]; old == nil || !old.open() {
		r.open++
	} else {
		r.replace(old.session, s)
	}
	r.seats[s.id] = &seat{id: s.id, session: s}
	r.joined = nil
	r.cfg.Logger.Info("driver registered", "driver_id", s.id, "remote_addr", s.remoteAddr, "session", s.token, "desired", len(s.wanted))
}

// replace ends the session that s takes the place of. It does not leave its rounds: s may answer for it.
func (r *Registry) replace(old, s *session) {
	old.replaced.Store(true)
	if old.instance != "" && old.instance == s.instance {
		old.kill() // the same process came back before its old connection was known to be dead
		return
	}
	r.cfg.Logger.Warn("a newer session took a driver id over", "driver_id", s.id, "from", old.remoteAddr, "to", s.remoteAddr)
	old.box.close(wire.CloseSuperseded)
}

// wanted is what s has to be told: the fold, without what it cannot do, and without a reset when it is at rest already.
func (r *Registry) wanted(s *session, reg *wire.Register) []swarm.Wanted {
	var out []swarm.Wanted
	atRest := reg.State == nil || (reg.State.Players == 0 && !reg.State.Running)
	for _, w := range r.cfg.Desired.For(s.id, s.labels) {
		if s.supports(w.Command.Type) && (!w.Reset || !atRest) {
			out = append(out, w)
		}
	}
	return out
}

func (r *Registry) registered(s *session) wire.Registered {
	desired := make([]wire.Desired, len(s.wanted))
	for i, w := range s.wanted {
		desired[i] = wire.Desired{Seq: w.Seq, Command: toWire(w.Command)}
	}
	return wire.Registered{
		Type: wire.TypeRegistered, Session: s.token, LogID: r.cfg.LogID,
		HeartbeatIntervalMS: r.cfg.HeartbeatInterval.Milliseconds(),
		LeaseTTLMS:          r.cfg.LeaseTTL.Milliseconds(), OnLeaseLost: r.cfg.OnLeaseLost,
		Desired: desired,
	}
}

// leave takes a session out of the roster: one that ended, or one whose driver said goodbye (left), which is not shown as lost
// and whose connection ends later.
func (r *Registry) leave(s *session, left bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !left {
		delete(r.sessions, s)
	}
	seat := r.seats[s.id]
	if seat == nil || seat.session != s || !seat.open() {
		return // never registered, left already, or replaced
	}
	seat.lostAt = time.Now()
	if left {
		delete(r.seats, s.id)
	}
	r.joined = nil
	r.open--
	r.sink.Gone(s.id, s.endReason())
	r.cfg.Logger.Info("driver left", "driver_id", s.id, "deregistered", left, "reason", s.endReason())
	if r.open > 0 {
		return
	}
	r.emptyAt = seat.lostAt
	if left && r.cfg.Desired.Running() {
		r.sink.Reset("the last driver deregistered")
	}
}

func newToken() string { return uuid.NewString() }
