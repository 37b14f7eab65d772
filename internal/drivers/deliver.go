package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/failpoint"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Offer folds a durable command into the desired state and puts it into the mailbox of every open matching session, stale and
// just registered ones too. A target that could not be handed it is reported absent.
func (r *Registry) Offer(issue swarm.Issue) {
	frame := commandFrame(issue.Seq, issue.Command, issue.Deadline)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg.Desired.Issue(issue.Seq, issue.Command, issue.Target)
	r.offered.Store(issue.Seq)
	for s := range r.matching(issue.Target) {
		r.hand(s, mail{issue.Seq, issue.Command, frame})
		failpoint.Hit(failpoint.MidFanout)
	}
	for _, id := range issue.Targets {
		if seat := r.seats[id]; seat == nil || !seat.open() || seat.session.offered != issue.Seq {
			r.sink.Absent(id, issue.Seq)
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
	r.offered.Store(seq)
	for _, s := range r.sorted() {
		r.hand(s, mail{seq, stop, frame})
	}
}

// resetDeadline is what the Stop of a reset tells drivers; nobody waits for their answer.
const resetDeadline = 2 * time.Second

// hand puts m into the mailbox of s. The lock is held.
func (r *Registry) hand(s *session, m mail) {
	if !s.supports(m.command.Type) {
		s.offered = m.seq // its verdict is known
		return
	}
	superseded, taken := s.box.put(m)
	if taken {
		s.offered = m.seq
	}
	for _, old := range superseded {
		r.sink.Superseded(s.id, old)
	}
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
