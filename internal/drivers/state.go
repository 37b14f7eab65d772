package drivers

import (
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// State returns what is desired of the swarm and how far each known driver is from it. Only the copying is done under the lock.
func (r *Registry) State() swarm.State {
	desired, members, unconfirmed := r.snapshot()
	state := swarm.State{Rules: desired.Rules(), Drivers: make([]swarm.Drift, len(members))}
	rules := make(map[uint64]*swarm.Rule, len(state.Rules))
	for i := range state.Rules {
		rules[state.Rules[i].Seq] = &state.Rules[i]
		state.Rules[i].Unconfirmed = unconfirmed[state.Rules[i].Seq]
	}
	for i, m := range members {
		d := m.drift
		d.Desired = desired.For(d.DriverID, m.session.labels)
		compare(&d, m.session, rules)
		switch d.Kind() {
		case swarm.DriftUnknown:
			state.Unknown++
		case swarm.DriftConverged:
			state.Converged++
		case swarm.DriftDrifting:
			state.Drifting++
		}
		state.Drivers[i] = d
	}
	slices.SortFunc(state.Drivers, func(a, b swarm.Drift) int { return strings.Compare(a.DriverID, b.DriverID) })
	return state
}

// compare fills in how d differs from what is desired of it, and counts d for the rules that hold for it.
func compare(d *swarm.Drift, s *session, rules map[uint64]*swarm.Rule) {
	switch d.State {
	case swarm.Disconnected:
		d.Reasons = append(d.Reasons, swarm.DriftDisconnected)
	case swarm.Stale:
		d.Reasons = append(d.Reasons, swarm.DriftStale)
	case swarm.Active:
	}
	for _, w := range d.Desired {
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
			continue
		}
		rule.Matching++
		if len(causes) == 0 && !d.Unknown() {
			rule.Converged++
		}
		if outside {
			rule.OutsideSplit++
		}
	}
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

// member is a known driver in a copy of the roster.
type member struct {
	drift   swarm.Drift
	session *session // its fixed fields only
}

// snapshot copies what State needs.
func (r *Registry) snapshot() (desired *swarm.Desired, members []member, unconfirmed map[uint64]int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	members = make([]member, 0, len(r.seats))
	for _, seat := range r.seats {
		if !r.forgotten(seat, now) {
			members = append(members, member{r.drift(seat, now), seat.session})
		}
	}
	unconfirmed = map[uint64]int64{}
	for seq, parts := range r.cfg.Desired.Splits() {
		unconfirmed[seq] = r.unconfirmed(parts, now)
	}
	return r.cfg.Desired.Clone(), members, unconfirmed
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

// drift is what a driver reports, without a look at what is desired of it. The lock is held.
func (r *Registry) drift(seat *seat, now time.Time) swarm.Drift {
	s := seat.session
	s.mu.Lock()
	defer s.mu.Unlock()
	return swarm.Drift{
		DriverID: s.id, State: r.stateOf(seat, now), Unresponsive: s.unresponsive(), AppliedSeq: s.applied, Reported: s.report,
		ReportedSeq: s.reportedSeq,
	}
}
