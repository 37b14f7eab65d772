package drivers

import (
	"runtime"
	"slices"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// State returns the desired state of the swarm and how far each known driver is from it. Only pointers are copied under
// the lock.
func (r *Registry) State(q swarm.StateQuery) swarm.State {
	defer r.readers.begin()()
	snap := r.snapshot()
	defer r.giveBack(snap)
	state := swarm.State{Rules: snap.desired.Rules()}
	rules := make(map[uint64]*swarm.Rule, len(state.Rules))
	for i := range state.Rules {
		rules[state.Rules[i].Seq] = &state.Rules[i]
	}
	for seq, parts := range snap.desired.Splits() {
		if rule := rules[seq]; rule != nil {
			rule.Unconfirmed = snap.unconfirmed(parts)
		}
	}
	if q.Limit == 0 {
		state.Drivers = make([]swarm.Drift, 0, len(snap.members))
	}
	for i, m := range snap.members {
		if i%readAtOnce == readAtOnce-1 {
			runtime.Gosched() // as survey does
		}
		d := m.drift(m.state)
		snap.compare(&d, m.member, rules)
		kind := d.Kind()
		switch kind {
		case swarm.DriftUnknown:
			state.Unknown++
		case swarm.DriftConverged:
			state.Converged++
		case swarm.DriftDrifting:
			state.Drifting++
		}
		switch {
		case d.DriverID <= q.After, q.Kind != "" && q.Kind != kind:
		case q.Limit > 0 && len(state.Drivers) == q.Limit:
			state.More = true
		default:
			d.Desired = snap.desired.For(d.DriverID, m.labels)
			state.Drivers = append(state.Drivers, d)
		}
	}
	return state
}

// compare sets how d differs from its desired state, and counts d for the rules that hold for it.
func (snap *snapshot) compare(d *swarm.Drift, m *member, rules map[uint64]*swarm.Rule) {
	d.Reasons = d.State.Causes()
	snap.desired.EachFor(d.DriverID, m.labels, func(w swarm.Wanted) {
		causes := compareOne(*d, w, m)
		outside := d.Against(w, causes)
		rule := rules[w.Seq]
		if rule == nil {
			return
		}
		rule.Matching++
		if len(causes) == 0 && !d.Unknown() {
			rule.Converged++
		}
		if outside {
			rule.OutsideSplit++
		}
	})
}

// compareOne lists the parts of a driver's report that differ from w.
func compareOne(d swarm.Drift, w swarm.Wanted, m *member) []swarm.DriftCause {
	if !m.supports(w.Command.Type) {
		return []swarm.DriftCause{swarm.DriftUnsupported}
	}
	return w.Compare(d.Reported, m.counts(d, w))
}

// counts reports whether the driver's report counts for a command: the driver acked it or reported it as applied
// before, or it did not receive the command because it was at rest.
func (m *member) counts(d swarm.Drift, w swarm.Wanted) bool {
	return d.ReportedSeq >= w.Seq || w.Reset && w.Seq <= m.atRest
}

// Stopped reports the progress of the Stop of an entry: which of its drivers, left out or not, have reported 0 players
// since they received it, or have deregistered.
func (r *Registry) Stopped(e swarm.Entry) swarm.StopProof {
	ids := e.Drivers()
	r.mu.Lock()
	defer r.mu.Unlock()
	p := swarm.StopProof{Seq: e.Seq, Targets: len(ids)}
	for _, id := range ids {
		if m := r.members[id]; m != nil && m.stoppedSince(e.Seq) || r.former.deregistered(id) {
			p.Stopped++
		} else {
			p.Pending = append(p.Pending, id)
		}
	}
	slices.Sort(p.Pending)
	return p
}

func (m *member) stoppedSince(seq uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.reported && m.reportedSeq >= seq && m.report.AtRest()
}

// drift returns a driver's report, without comparing it with its desired state.
func (m *member) drift(state swarm.DriverState) swarm.Drift {
	m.mu.Lock()
	defer m.mu.Unlock()
	return swarm.Drift{
		DriverID: m.id, State: state, Unresponsive: m.unresponsive(), AppliedSeq: m.applied, Reported: m.report,
		ReportedSeq: m.reportedSeq,
	}
}
