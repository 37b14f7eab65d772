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
	now := time.Now()
	m := newMember(s, reg, r.logID, r.offered.Load())
	m.registration.Registration = r.register(m.id, s.token, now)
	s.beat()
	s.member, s.joinedAt = m, r.offered.Load()
	s.wanted = r.wanted(m)
	s.enqueue(wire.TypeRegistered, wire.Encode(r.registered(s)))
	before := r.members[m.id]
	if before != nil {
		m.inherit(before)
		if before.hasSession() {
			s.inherit(before.session)
		}
	}
	how := r.replace(before, m, now)
	r.openByID = nil
	r.signal()
	r.mu.Unlock()
	r.logJoin(s, reg, how)
	return refusal{}
}

// register returns the registration of a session that registers now: newer than what is known of the driver, on any
// node. The lock is held.
func (r *Registry) register(id, session string, now time.Time) swarm.Registration {
	reg := swarm.Registration{
		Position: r.offered.Load(), At: now.UTC().Truncate(time.Microsecond), Node: r.cfg.Node.Name, Session: session,
	}
	if before := r.members[id]; before != nil {
		reg = reg.After(before.registration.Registration)
	}
	return reg.After(r.former.left[id])
}

// replace makes m the member of its driver, instead of before, which may be nil. A session of before ends. The lock is
// held.
func (r *Registry) replace(before, m *member, now time.Time) (how takeover) {
	if before != nil {
		if !maps.Equal(before.labels, m.labels) {
			r.former.add(swarm.Former{ID: m.id, Labels: before.labels, At: now})
		}
		m.rivals = before.rivals
		if before.open() && m.open() && !before.sentAway() && !before.sameProcess(m) {
			how = takeover{another: true, from: before.remoteAddr}
			how.conflict = m.rivals.note(now, before.remoteAddr, m.remoteAddr)
		}
		r.count(before, -1)
		r.endFor(before, m, now)
	}
	r.count(m, 1)
	r.members[m.id] = m
	r.touch(m)
	r.former.back(m.id)
	delete(r.owners, m.id)
	r.byID, r.ownByID = nil, nil
	return how
}

// endFor ends the session of a member, if it has one on this node, for the session of a newer member. If the driver
// has moved to another node, the other nodes are told. The lock is held.
func (r *Registry) endFor(before, newer *member, now time.Time) {
	if before.away == nil && newer.away != nil {
		r.depart(before, now, false)
	}
	old := before.session
	if old == nil {
		return
	}
	before.session = nil
	old.makeWay(newer)
	r.cfg.Meter.Disconnected(EndSuperseded)
}

// count counts a member that came, or one that goes, as connected. The lock is held.
func (r *Registry) count(m *member, n int) {
	switch {
	case m.hasSession():
		r.open += n
	case m.away != nil && m.open():
		r.elsewhere += n
	}
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

// makeWay ends a session that one of a newer member replaces. Its rounds still wait for the driver: the newer session
// may answer, and has received the commands that this one was not sent.
func (s *session) makeWay(newer *member) {
	s.replaced.Store(true)
	s.outbox.discard()
	if s.member.sameProcess(newer) {
		s.kill() // it reconnected before its old connection was known to be dead
		return
	}
	s.outbox.close(wire.CloseSuperseded)
}

func (m *member) sameProcess(other *member) bool {
	return m.instance != "" && m.instance == other.instance
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
	r.count(m, -1)
	m.disconnected(time.Now())
	r.openByID = nil
	r.touch(m)
	if deregistered {
		r.depart(m, m.lostAt, true)
		r.former.deregister(swarm.Former{ID: m.id, Labels: m.labels, At: m.lostAt}, m.registration.Registration)
		r.drop(m)
	}
	r.signal()
	if r.open+r.elsewhere == 0 {
		reset = r.empty.last(m.lostAt, deregistered && r.rosters.known(), r.desired)
	}
	return r.offered.Load(), reset, true
}

// drop removes a member that is not connected. The lock is held.
func (r *Registry) drop(m *member) {
	delete(r.members, m.id)
	r.byID, r.ownByID = nil, nil
}

// forget drops a session whose connection has ended.
func (r *Registry) forget(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sessions, s)
	delete(r.retiring, s)
}

func newToken() string { return uuid.NewString() }
