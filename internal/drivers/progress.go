package drivers

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Progress tells how far the drivers of an entry, targeted or left out, are with it.
func (r *Registry) Progress(e swarm.Entry) (p swarm.Progress) {
	applied := appliedBy(e)
	slot := e.Issued.Command.Slot()
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	inForce := r.desired.InForce(slot, e.Seq)
	ids := driversOf(e)
	p.Holds = inForce && len(ids) == 0
	for _, id := range ids {
		m := r.members[id]
		if m == nil || r.forgotten(m, now) {
			switch {
			case r.former.deregistered(id):
				p.Deregistered = append(p.Deregistered, id)
			case inForce:
				p.Holds = true
				if !applied[id] {
					p.Outstanding = append(p.Outstanding, id)
				}
			}
			continue
		}
		if !inForce || r.desired.Holding(slot, id, m.labels) != e.Seq {
			continue
		}
		p.Holds = true
		d := m.drift(r.stateOf(m, now))
		switch {
		case r.converged(d, slot, m):
			p.Converged = append(p.Converged, id)
		case !m.hasApplied(slot, e) && (m.open() || !applied[id]):
			p.Outstanding = append(p.Outstanding, id)
		}
	}
	return p
}

// hasApplied reports whether the driver takes such a command, and says that it has applied it, or has acked a newer one
// and did not reject this one.
func (m *member) hasApplied(slot command.Slot, e swarm.Entry) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.supports(e.Issued.Command.Type) && m.applied >= e.Seq && m.refused[slot] != e.Seq
}

// refusal returns the slot of a command that a driver has just rejected, if it is what holds for the driver.
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

// driversOf returns the drivers that an entry is for, sorted. Those that belong to another run are not.
func driversOf(e swarm.Entry) []string {
	ids := slices.Clone(e.Issued.Targets)
	for _, l := range e.Issued.LeftOut {
		if l.Reason != swarm.LeftOutOtherRun {
			ids = append(ids, l.DriverID)
		}
	}
	slices.Sort(ids)
	return ids
}

// appliedBy returns the drivers that have acked an entry, in time or late.
func appliedBy(e swarm.Entry) map[string]bool {
	applied := map[string]bool{}
	if e.Closed != nil {
		for i, v := range e.Closed.Verdicts {
			applied[e.Issued.Targets[i]] = v.Kind == swarm.Acked
		}
	}
	for _, l := range e.Late {
		if l.Reply.Applied {
			applied[l.DriverID] = true
		}
	}
	return applied
}
