package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Progress tells how far the drivers of an entry, targeted or left out, are with it.
func (r *Registry) Progress(e swarm.Entry) swarm.Progress {
	slot := e.Issued.Command.Slot()
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	inForce := r.cfg.Desired.InForce(slot, e.Seq)
	return e.Progress(inForce, func(id string) swarm.Taker {
		seat := r.seats[id]
		if seat == nil || r.forgotten(seat, now) {
			return swarm.Taker{Deregistered: r.former.deregistered(id), Holds: inForce}
		}
		if !inForce || r.cfg.Desired.Holding(slot, id, seat.session.labels) != e.Seq {
			return swarm.Taker{}
		}
		d := seat.session.drift(r.stateOf(seat, now))
		return swarm.Taker{
			Holds: true, Converged: r.converged(d, slot, seat.session), Applied: seat.session.hasApplied(slot, e),
			Connected: seat.open(),
		}
	})
}

// hasApplied reports whether the driver takes such a command, and says that it has applied it, or has acked a newer one and did not
// reject this one.
func (s *session) hasApplied(slot command.Slot, e swarm.Entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.supports(e.Issued.Command.Type) && s.applied >= e.Seq && s.refused[slot] != e.Seq
}

// refusal returns the slot of a command that a driver has just rejected, if it is what holds for the driver.
func (s *session) refusal(seq uint64, reply swarm.Reply) (slot command.Slot, holds bool) {
	if reply.Applied {
		return 0, false
	}
	s.r.mu.Lock()
	defer s.r.mu.Unlock()
	for _, slot := range []command.Slot{command.LoadSlot, command.SpawnDelaySlot} {
		if s.r.cfg.Desired.Holding(slot, s.id, s.labels) == seq {
			return slot, true
		}
	}
	return 0, false
}

// converged reports whether an active driver reports what holds for it in one slot.
func (r *Registry) converged(d swarm.Drift, slot command.Slot, s *session) bool {
	for _, w := range r.cfg.Desired.For(s.id, s.labels) {
		if w.Command.Slot() == slot {
			return !d.Unknown() && len(compareOne(d, w, s)) == 0
		}
	}
	return false
}
