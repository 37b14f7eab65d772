package webtest

import (
	"slices"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// fold is what the entries, newest first, desire.
func fold(entries []swarm.Entry) *swarm.Desired {
	var d swarm.Desired
	for _, e := range slices.Backward(entries) {
		d.Issue(e.Issued.Issue(e.Seq))
	}
	return &d
}

// State compares drivers with what the entries, newest first, desire of them, as the server does: a report counts for
// every command that its driver has applied.
func State(drivers []swarm.Driver, entries []swarm.Entry) (s swarm.State) {
	desired := fold(entries)
	for _, d := range drivers {
		s.Drivers = append(s.Drivers, Drift(d, desired.For(d.ID, d.Labels)))
	}
	return s
}

// Drift compares one driver with what is desired of it.
func Drift(d swarm.Driver, desired []swarm.Wanted) swarm.Drift {
	return Compared(swarm.Drift{
		DriverID: d.ID, State: d.State, Unresponsive: d.Unresponsive, Desired: desired,
		AppliedSeq: d.AppliedSeq, Reported: d.Reported, ReportedSeq: d.AppliedSeq,
	})
}

// Compared is d with its reasons.
func Compared(d swarm.Drift) swarm.Drift {
	d.Reasons = nil
	switch d.State {
	case swarm.Active:
	case swarm.Disconnected:
		d.Reasons = append(d.Reasons, swarm.DriftDisconnected)
	case swarm.Stale:
		d.Reasons = append(d.Reasons, swarm.DriftStale)
	}
	for _, w := range d.Desired {
		d.Reasons = append(d.Reasons, w.Compare(d.Reported, d.ReportedSeq >= w.Seq)...)
	}
	return d
}

// Drifts is State by driver.
func Drifts(drivers []swarm.Driver, entries []swarm.Entry) map[string]swarm.Drift {
	out := make(map[string]swarm.Drift, len(drivers))
	for _, d := range State(drivers, entries).Drivers {
		out[d.DriverID] = d
	}
	return out
}

// Progress tells how far the drivers of e are with it.
func Progress(drivers []swarm.Driver, entries []swarm.Entry, e swarm.Entry) (p swarm.Progress) {
	known := make(map[string]swarm.Driver, len(drivers))
	for _, d := range drivers {
		known[d.ID] = d
	}
	desired := fold(entries)
	ids := slices.Clone(e.Issued.Targets)
	for _, l := range e.Issued.LeftOut {
		ids = append(ids, l.DriverID)
	}
	slices.Sort(ids)
	for _, id := range ids {
		d := known[id]
		holds := func(w swarm.Wanted) bool { return w.Seq == e.Seq }
		i := slices.IndexFunc(desired.For(id, d.Labels), holds)
		if i < 0 {
			continue
		}
		p.Holds = true
		if !applied(d, e, id) {
			p.Outstanding = append(p.Outstanding, id)
		}
		w := desired.For(id, d.Labels)[i]
		if d.State == swarm.Active && len(w.Compare(d.Reported, d.AppliedSeq >= w.Seq)) == 0 {
			p.Converged = append(p.Converged, id)
		}
	}
	return p
}

func applied(d swarm.Driver, e swarm.Entry, id string) bool {
	late := func(l swarm.LateAck) bool { return l.DriverID == id && l.Reply.Applied }
	if slices.ContainsFunc(e.Late, late) || d.AppliedSeq == e.Seq {
		return true
	}
	i, target := slices.BinarySearch(e.Issued.Targets, id)
	return target && e.Closed != nil && e.Closed.Verdicts[i].Kind == swarm.Acked
}
