package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Offer folds a durable command into the desired state and puts it into the outbox of every open matching session, stale and
// just registered ones too. A target that could not be handed it is reported undelivered.
func (r *Registry) Offer(issue swarm.Issue) {
	frames := map[int64][]byte{} // one for each distinct part of a total; of any other command there is one
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg.Desired.Issue(issue)
	r.shown = nil
	r.carryOver(issue)
	r.offered.Store(issue.Seq)
	targets := issue.Targets // in order of id, as the sessions are: both are gone through once
	for m := range r.matching(issue.Target) {
		if !r.holds(issue, m) {
			continue // a newer command of somebody else does
		}
		for len(targets) > 0 && targets[0] < m.id {
			r.sink.Undelivered(targets[0], issue.Seq)
			targets = targets[1:]
		}
		c := issue.CommandFor(m.id)
		frame := frames[c.Players]
		if frame == nil {
			frame = commandFrame(issue.Seq, c, issue.Deadline)
			frames[c.Players] = frame
		}
		if taken := r.hand(m, unsent{issue.Seq, c, frame}); taken && len(targets) > 0 && targets[0] == m.id {
			targets = targets[1:]
		}
	}
	for _, id := range targets {
		r.sink.Undelivered(id, issue.Seq)
	}
}

// holds reports whether a command that was just folded is what holds for a driver. Only a conditional one may not. The lock is held.
func (r *Registry) holds(issue swarm.Issue, m *member) bool {
	slot := issue.Command.Slot()
	return issue.Condition == nil || slot != swarm.PlayersSlot || r.cfg.Desired.Holding(slot, m.id, m.labels) == issue.Seq
}

// Expire folds a durable expired record: a Stop for the drivers of a load command that no known driver matched. One that has come
// since was told the load, and is told the Stop now.
func (r *Registry) Expire(seq uint64, e *swarm.Expired) {
	stop := swarm.Command{Type: swarm.Stop}
	frame := commandFrame(seq, stop, resetDeadline)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg.Desired.Expire(seq, e)
	r.shown = nil
	r.offered.Store(seq)
	for m := range r.matching(e.Target) {
		if r.cfg.Desired.Holding(swarm.PlayersSlot, m.id, m.labels) == seq {
			r.hand(m, unsent{seq, stop, frame})
		}
	}
}

// Reset folds a durable reset record: Stop for all. It is asked for when no session is open, but a driver may have come, and
// have been told the load of before, until it is written.
func (r *Registry) Reset(seq uint64) {
	stop := swarm.Command{Type: swarm.Stop}
	frame := commandFrame(seq, stop, resetDeadline)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg.Desired.Reset(seq)
	r.shown = nil
	r.offered.Store(seq)
	for _, m := range r.connected() {
		r.hand(m, unsent{seq, stop, frame})
	}
}

// resetDeadline is what the Stop of a reset tells drivers; nobody waits for their answer.
const resetDeadline = 2 * time.Second

// hand puts a command into the outbox of an open member; one that does not support it counts as handed, because its verdict is
// known. The lock is held.
func (r *Registry) hand(m *member, u unsent) (taken bool) {
	if !m.supports(u.command.Type) {
		return true
	}
	superseded, taken := m.session.outbox.put(u)
	for _, old := range superseded {
		r.sink.Superseded(m.id, old)
	}
	return taken
}

func commandFrame(seq uint64, c swarm.Command, deadline time.Duration) []byte {
	return wire.Encode(wire.CommandFrame{Type: wire.TypeCommand, Seq: seq, Command: toWire(c), DeadlineMS: deadline.Milliseconds()})
}

func toWire(c swarm.Command) wire.Command {
	w := wire.Command{Type: string(c.Type), Note: c.Note}
	switch c.Type {
	case swarm.SetPlayers:
		w.Players = &c.Players
	case swarm.SetSpawnDelay:
		w.SpawnDelayMS = &c.SpawnDelayMS
	case swarm.Stop:
	}
	return w
}
