package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Progress reports how far the drivers of an entry, targeted or left out, have followed it.
func (r *Registry) Progress(e swarm.Entry) swarm.Progress {
	slot := e.Issued.Command.Slot()
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	inForce := r.desired.InForce(slot, e.Seq)
	return e.Progress(inForce, func(id string) swarm.DriverProgress {
		m := r.members[id]
		if m == nil || r.forgotten(m, now) {
			return swarm.DriverProgress{Deregistered: r.former.deregistered(id), Holds: inForce}
		}
		if !inForce || r.desired.Holding(slot, id, m.labels) != e.Seq {
			return swarm.DriverProgress{}
		}
		d := m.drift(r.stateOf(m, now))
		return swarm.DriverProgress{
			Holds: true, Converged: r.converged(d, slot, m), Applied: m.hasApplied(slot, e), Connected: m.open(),
		}
	})
}

// hasApplied reports whether the driver supports such a command, and has reported it as applied, or has acked a newer
// one and did not reject this one.
func (m *member) hasApplied(slot command.Slot, e swarm.Entry) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.supports(e.Issued.Command.Type) && m.applied >= e.Seq && m.refused[slot] != e.Seq
}

// refusal returns the slot of a command that a driver has just rejected, if the command holds for the driver.
func (r *Registry) refusal(m *member, seq uint64, reply swarm.Reply) (slot command.Slot, holds bool) {
	if reply.Applied {
		return 0, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, slot := range []command.Slot{command.LoadSlot, command.SpawnDelaySlot} {
		if r.desired.Holding(slot, m.id, m.labels) == seq {
			return slot, true
		}
	}
	return 0, false
}

// converged reports whether an active driver reports what holds for it in one slot.
func (r *Registry) converged(d swarm.Drift, slot command.Slot, m *member) bool {
	for _, w := range r.desired.For(m.id, m.labels) {
		if w.Command.Slot() == slot {
			return !d.Unknown() && len(compareOne(d, w, m)) == 0
		}
	}
	return false
}
