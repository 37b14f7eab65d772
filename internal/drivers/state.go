package drivers

import (
	"runtime"
	"slices"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// State returns what is desired of the swarm and how far each known driver is from it. Only pointers are copied under the lock.
func (r *Registry) State(q swarm.StateQuery) swarm.State {
	defer r.looking.begin()()
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
	var reasons []swarm.DriftCause // of one driver after the other
	for i, m := range snap.members {
		if i%lookAtOnce == lookAtOnce-1 {
			runtime.Gosched() // as survey does
		}
		d := m.session.drift(m.state)
		d.Reasons = reasons[:0]
		snap.compare(&d, m.session, rules)
		reasons = d.Reasons
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
			d.Reasons = append([]swarm.DriftCause(nil), d.Reasons...)
			d.Desired = snap.desired.For(d.DriverID, m.session.labels)
			state.Drivers = append(state.Drivers, d)
		}
	}
	return state
}

// compare fills in how d differs from what is desired of it, and counts d for the rules that hold for it.
func (snap *snapshot) compare(d *swarm.Drift, s *session, rules map[uint64]*swarm.Rule) {
	switch d.State {
	case swarm.Disconnected:
		d.Reasons = append(d.Reasons, swarm.DriftDisconnected)
	case swarm.Stale:
		d.Reasons = append(d.Reasons, swarm.DriftStale)
	case swarm.Active:
	}
	snap.desired.EachFor(d.DriverID, s.labels, func(w swarm.Wanted) {
		causes := compareOne(*d, w, s)
		for _, cause := range causes {
			if !slices.Contains(d.Reasons, cause) {
				d.Reasons = append(d.Reasons, cause)
			}
		}
		outside := w.OutsideSplit && d.State != swarm.Disconnected
		d.OutsideSplit = d.OutsideSplit || outside
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

// compareOne lists what of a driver's report is not as w desires.
func compareOne(d swarm.Drift, w swarm.Wanted, s *session) []swarm.DriftCause {
	if !s.supports(w.Command.Type) {
		return []swarm.DriftCause{swarm.DriftUnsupported}
	}
	return w.Compare(d.Reported, s.counts(d, w))
}

// counts reports whether the driver's report counts for a command: the session had acked it or said it has applied it before, or the
// driver was not told it, because it was at rest.
func (s *session) counts(d swarm.Drift, w swarm.Wanted) bool {
	return d.ReportedSeq >= w.Seq || w.Reset && w.Seq <= s.atRest
}

// Stopped tells how far the Stop of an entry has come: which of its drivers, left out or not, report 0 players since they have taken
// it, or have deregistered.
func (r *Registry) Stopped(e swarm.Entry) swarm.StopProof {
	ids := driversOf(e)
	r.mu.Lock()
	defer r.mu.Unlock()
	p := swarm.StopProof{Seq: e.Seq, Targets: len(ids)}
	for _, id := range ids {
		if seat := r.seats[id]; seat != nil && seat.session.stoppedSince(e.Seq) || r.former.deregistered(id) {
			p.Stopped++
		} else {
			p.Pending = append(p.Pending, id)
		}
	}
	slices.Sort(p.Pending)
	return p
}

func (s *session) stoppedSince(seq uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reported && s.reportedSeq >= seq && s.report.Players == 0
}

// drift is what a driver reports, without a look at what is desired of it.
func (s *session) drift(state swarm.DriverState) swarm.Drift {
	s.mu.Lock()
	defer s.mu.Unlock()
	return swarm.Drift{
		DriverID: s.id, State: state, Unresponsive: s.unresponsive(), AppliedSeq: s.applied, Reported: s.report,
		ReportedSeq: s.reportedSeq,
	}
}
