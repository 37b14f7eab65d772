package drivers

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Offer folds a durable command into the desired state and puts it into the outbox of every open matching session,
// including stale and just registered ones.
func (r *Registry) Offer(issue swarm.Issue) (out swarm.Handover) {
	frames := map[int64][]byte{} // one for each distinct share of a total; a single one for any other command
	r.mu.Lock()
	defer r.mu.Unlock()
	dueBy := time.Since(r.startedAt) + issue.Deadline
	r.desired.Issue(issue)
	r.shown = nil
	r.resplits.carryOver(issue)
	r.offered.Store(issue.Seq)
	targets := issue.Targets // in order of id, as the members are: both are traversed once
	for m := range r.matching(issue.Target) {
		if !r.holds(issue, m) {
			continue // a newer command of another submitter holds for it
		}
		for len(targets) > 0 && targets[0] < m.id {
			out.Undelivered = append(out.Undelivered, targets[0])
			targets = targets[1:]
		}
		c := issue.CommandFor(m.id)
		frame := frames[c.Value]
		if frame == nil {
			frame = commandFrame(issue.Seq, c, issue.Deadline, issue.Traceparent)
			frames[c.Value] = frame
		}
		taken := r.hand(m, unsent{issue.Seq, c, frame}, &out.Superseded)
		if taken && len(targets) > 0 && targets[0] == m.id {
			targets = targets[1:]
			m.awaitAnswer(issue.Seq, c.Type, dueBy)
		}
	}
	out.Undelivered = append(out.Undelivered, targets...)
	if r.cfg.Shared {
		others := func(id string) bool { return !r.answersFor(id, issue.Foreign) }
		out.Undelivered = slices.DeleteFunc(out.Undelivered, others)
	}
	return out
}

// answersFor reports whether this node decides the verdict of a driver that it could not deliver a command to. A
// command of another node concerns it only for the drivers that it has or had itself. The lock is held.
func (r *Registry) answersFor(id string, foreign bool) bool {
	m := r.members[id]
	switch {
	case m != nil && m.away == nil:
		return true
	case !foreign:
		return m == nil || !m.open()
	default:
		return m == nil && r.former.left[id].Node == r.cfg.Node.Name // it deregistered here
	}
}

// holds reports whether a command that was just folded holds for a driver. Only a conditional command may not hold. The
// lock is held.
func (r *Registry) holds(issue swarm.Issue, m *member) bool {
	slot := issue.Command.Slot()
	return issue.Condition == nil || slot != command.LoadSlot || r.desired.Holding(slot, m.id, m.labels) == issue.Seq
}

// Expire folds a durable expired record: a Stop for the drivers of a load command that no known driver matched. A
// driver that has connected since received the load, and receives the Stop now.
func (r *Registry) Expire(seq uint64, e *swarm.Expired) (superseded []swarm.Unsent) {
	stop := swarm.Command{Type: command.Stop}
	frame := commandFrame(seq, stop, resetDeadline, "")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.desired.Expire(seq, e)
	r.shown = nil
	r.offered.Store(seq)
	for m := range r.matching(e.Target) {
		if r.desired.Holding(command.LoadSlot, m.id, m.labels) == seq {
			r.hand(m, unsent{seq, stop, frame}, &superseded)
		}
	}
	return superseded
}

// Reset folds a durable reset record: Stop for all. It is requested when no session is open, but before the record is
// written, a driver may connect and receive the earlier load.
func (r *Registry) Reset(seq uint64) (superseded []swarm.Unsent) {
	stop := swarm.Command{Type: command.Stop}
	frame := commandFrame(seq, stop, resetDeadline, "")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.desired.Reset(seq)
	r.shown = nil
	r.offered.Store(seq)
	for _, m := range r.connected() {
		r.hand(m, unsent{seq, stop, frame}, &superseded)
	}
	return superseded
}

// resetDeadline is the deadline in the Stop of a reset; no client waits for the answers.
const resetDeadline = 2 * time.Second

// hand puts a command into the outbox of an open member, and records what it supersedes there. A member that does not
// support the command counts as served, because its verdict is known. The registry's lock is held.
func (r *Registry) hand(m *member, u unsent, superseded *[]swarm.Unsent) (taken bool) {
	if !m.supports(u.command.Type) {
		return true
	}
	old, taken := m.session.outbox.put(u)
	if len(old) > 0 && *superseded == nil { // expect about as many superseded commands as the last time
		*superseded = make([]swarm.Unsent, 0, max(r.unsent, len(old)))
	}
	for _, seq := range old {
		*superseded = append(*superseded, swarm.Unsent{DriverID: m.id, Seq: seq})
		r.unsent = len(*superseded)
	}
	return taken
}

func commandFrame(seq uint64, c swarm.Command, deadline time.Duration, traceparent string) []byte {
	return wire.Encode(wire.CommandFrame{
		Type: wire.TypeCommand, Seq: seq, Command: c.Fields(), DeadlineMS: deadline.Milliseconds(),
		Traceparent: traceparent,
	})
}
