package drivers

import (
	"maps"
	"time"

	"github.com/google/uuid"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// join makes s the session of its driver and answers its register frame. Fold, answer and membership change under one
// lock, so every command is either in the answer or follows it. Nothing is logged under the lock, because a log handler
// may be slow. If the driver may not join, nothing has changed.
func (r *Registry) join(s *session, reg *wire.Register) (no refusal) {
	r.mu.Lock()
	if no = r.bar(s, reg, time.Now()); no.close != 0 {
		r.mu.Unlock()
		return no
	}
	m := newMember(s, reg, r.logID, r.offered.Load())
	s.beat()
	s.member, s.joinedAt = m, r.offered.Load()
	s.wanted = r.wanted(m)
	s.enqueue(wire.TypeRegistered, wire.Encode(r.registered(s)))
	var old *session
	if before := r.members[m.id]; before != nil {
		if !maps.Equal(before.labels, m.labels) {
			r.former.add(swarm.Former{ID: m.id, Labels: before.labels, At: time.Now()})
		}
		m.inherit(before)
		old, before.session = before.session, nil
	}
	var how takeover
	if old == nil {
		r.open++
	} else {
		s.inherit(old)
		if how.another = !old.dismissed && !old.sameProcess(s); how.another {
			how.from = old.remoteAddr
			how.conflict = m.rivals.note(time.Now(), old.remoteAddr, s.remoteAddr)
		}
		old.makeWay(s)
		r.cfg.Meter.Disconnected(EndSuperseded)
	}
	r.members[m.id] = m
	r.former.back(m.id)
	delete(r.owners, m.id)
	r.byID, r.openByID = nil, nil
	r.mu.Unlock()
	r.logJoin(s, reg, how)
	return refusal{}
}

// takeover says how a session took a driver id over from an open one.
type takeover struct {
	another  bool   // from another process, which was not told to reconnect
	conflict bool   // and this made a conflict
	from     string // remote address of that process
}

func (r *Registry) logJoin(s *session, reg *wire.Register, how takeover) {
	id := s.member.id
	if how.conflict {
		r.logger.Warn("several processes use one driver id and end each other's sessions; give each its own id",
			"driver_id", id, "from", how.from, "to", s.remoteAddr)
	}
	if how.another {
		r.logger.Info("a newer session took over a driver id", "driver_id", id, "from", how.from, "to", s.remoteAddr)
	}
	if reg.LeaseLost {
		r.logger.Warn("a driver was without a server for longer than its lease", "driver_id", id,
			"on_lease_lost", r.cfg.OnLeaseLost)
	}
	r.logger.Info("driver registered", "driver_id", id, "remote_addr", s.remoteAddr, "session", s.token,
		"desired", len(s.wanted))
}

// makeWay ends a session that a newer one replaces. Its rounds still wait for the driver: the newer session may answer,
// and has received the commands that this one was not sent.
func (s *session) makeWay(newer *session) {
	s.replaced.Store(true)
	s.outbox.discard()
	if s.sameProcess(newer) {
		s.kill() // it reconnected before its old connection was known to be dead
		return
	}
	s.outbox.close(wire.CloseSuperseded)
}

func (s *session) sameProcess(other *session) bool {
	return s.member.instance != "" && s.member.instance == other.member.instance
}

// wanted returns the commands that m must receive: the fold, without commands that it does not support, and without a
// Stop of the server's own if it is at rest already. A driver that does not report its state is not at rest.
func (r *Registry) wanted(m *member) []swarm.Wanted {
	var out []swarm.Wanted
	for _, w := range r.desired.For(m.id, m.labels) {
		if m.supports(w.Command.Type) && (!w.Reset || w.Seq > m.atRest) {
			out = append(out, w)
		}
	}
	return out
}

func (r *Registry) registered(s *session) wire.Registered {
	interval := r.leases.every()
	s.sentInterval.Store(int64(interval))
	desired := make([]wire.Desired, len(s.wanted))
	for i, w := range s.wanted {
		desired[i] = wire.Desired{Seq: w.Seq, Command: w.Command.Fields()}
	}
	return wire.Registered{
		Type: wire.TypeRegistered, Session: s.token, LogID: r.logID,
		HeartbeatIntervalMS: interval.Milliseconds(),
		LeaseTTLMS:          r.cfg.LeaseTTL.Milliseconds(), OnLeaseLost: r.cfg.OnLeaseLost,
		Desired: desired,
	}
}

// leave separates a session from its driver: the session ended, or the driver deregistered. A deregistered driver is
// not shown as lost, and its connection ends later. Rounds are notified after the lock is released. By then a newer
// session of the driver may have received commands; these are not affected.
func (r *Registry) leave(s *session, deregistered bool) {
	s.over.Store(!deregistered)
	upTo, reset, left := r.disconnect(s, deregistered)
	if !left {
		return
	}
	id, reason := s.driverID(), s.endReason()
	if deregistered {
		r.cfg.Meter.Disconnected(EndDeregistered)
	} else {
		r.cfg.Meter.Disconnected(string(reason))
	}
	r.rounds.Disconnected(id, reason, upTo)
	if reset != "" {
		r.requests.Reset(reset)
	}
	r.logger.Info("driver disconnected", "driver_id", id, "deregistered", deregistered, "reason", reason)
}

// disconnect separates a member from its session. It returns the last command that was put into its outbox, and the
// cause of a reset if one is due. left is false for a session that never registered, has already left, or was replaced.
func (r *Registry) disconnect(s *session, deregistered bool) (upTo uint64, reset string, left bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := s.member
	if m == nil || m.session != s {
		return 0, "", false
	}
	m.disconnected(time.Now())
	if deregistered {
		delete(r.members, m.id)
		r.byID = nil
		r.former.add(swarm.Former{ID: m.id, Labels: m.labels, At: m.lostAt, Deregistered: true})
		r.former.signal()
	}
	r.openByID = nil
	r.open--
	if r.open == 0 {
		reset = r.empty.last(m.lostAt, deregistered, r.desired)
	}
	return r.offered.Load(), reset, true
}

// forget drops a session whose connection has ended.
func (r *Registry) forget(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, s)
	delete(r.retiring, s)
}

func newToken() string { return uuid.NewString() }
