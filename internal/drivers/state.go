package drivers

import (
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// State returns what is desired of the swarm and how far each known driver is from it. Only the copying is done under the lock.
func (r *Registry) State() swarm.State {
	desired, drifts, labels, unconfirmed := r.snapshot()
	state := swarm.State{Rules: desired.Rules(), Drivers: drifts}
	rules := make(map[uint64]*swarm.Rule, len(state.Rules))
	for i := range state.Rules {
		rules[state.Rules[i].Seq] = &state.Rules[i]
		state.Rules[i].Unconfirmed = unconfirmed[state.Rules[i].Seq]
	}
	for i := range drifts {
		d := &drifts[i]
		d.Desired = desired.For(d.DriverID, labels[d.DriverID])
		compare(d, rules)
		switch d.Kind() {
		case swarm.DriftUnknown:
			state.Unknown++
		case swarm.DriftConverged:
			state.Converged++
		case swarm.DriftDrifting:
			state.Drifting++
		}
	}
	slices.SortFunc(drifts, func(a, b swarm.Drift) int { return strings.Compare(a.DriverID, b.DriverID) })
	return state
}

// compare fills in how d differs from what is desired of it, and counts d for the rules that hold for it.
func compare(d *swarm.Drift, rules map[uint64]*swarm.Rule) {
	switch d.State {
	case swarm.Disconnected:
		d.Reasons = append(d.Reasons, swarm.DriftDisconnected)
	case swarm.Stale:
		d.Reasons = append(d.Reasons, swarm.DriftStale)
	case swarm.Active:
	}
	for _, w := range d.Desired {
		causes := w.Compare(d.Reported, d.ReportedSeq >= w.Seq)
		for _, cause := range causes {
			if !slices.Contains(d.Reasons, cause) {
				d.Reasons = append(d.Reasons, cause)
			}
		}
		if rule := rules[w.Seq]; rule != nil {
			rule.Matching++
			if len(causes) == 0 && !d.Unknown() {
				rule.Converged++
			}
		}
	}
}

// snapshot copies what State needs.
func (r *Registry) snapshot() (desired *swarm.Desired, drifts []swarm.Drift, labels map[string]map[string]string, unconfirmed map[uint64]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	drifts = make([]swarm.Drift, 0, len(r.seats))
	labels = make(map[string]map[string]string, len(r.seats))
	for id, seat := range r.seats {
		if r.forgotten(seat, now) {
			continue
		}
		d := seat.session.drift()
		d.State = r.stateOf(seat, now)
		drifts = append(drifts, d)
		labels[id] = seat.session.labels
	}
	unconfirmed = map[uint64]int64{}
	for seq, parts := range r.cfg.Desired.Splits() {
		unconfirmed[seq] = r.unconfirmed(parts, now)
	}
	return r.cfg.Desired.Clone(), drifts, labels, unconfirmed
}

// Stopped tells how far the Stop of an entry has come: which of its targets report 0 players since it was handed over.
func (r *Registry) Stopped(seq uint64, targets []string) swarm.StopProof {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := swarm.StopProof{Seq: seq, Targets: len(targets)}
	for _, id := range targets {
		if seat := r.seats[id]; seat != nil && seat.session.stoppedSince(seq) {
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
	return s.reportedSeq >= seq && s.report.Players == 0
}

func (s *session) drift() swarm.Drift {
	s.mu.Lock()
	defer s.mu.Unlock()
	return swarm.Drift{
		DriverID: s.id, Unresponsive: s.unresponsive(), AppliedSeq: s.applied, Reported: s.report, ReportedSeq: s.reportedSeq,
	}
}
