package swarm

import "slices"

// Causes returns why the driver's state is not known: it is disconnected or stale. There are none while it is active.
func (s DriverState) Causes() []DriftCause {
	switch s {
	case Disconnected:
		return []DriftCause{DriftDisconnected}
	case Stale:
		return []DriftCause{DriftStale}
	case Active:
	}
	return nil
}

// Against compares d with one command that holds for its driver. The causes are the parts of the report that differ
// from the command. It also reports whether the command is a total in which a connected driver has no share.
func (d *Drift) Against(w Wanted, causes []DriftCause) (outside bool) {
	for _, cause := range causes {
		if !slices.Contains(d.Reasons, cause) {
			d.Reasons = append(d.Reasons, cause)
		}
	}
	outside = w.OutsideSplit && d.State != Disconnected
	d.OutsideSplit = d.OutsideSplit || outside
	return outside
}

// DriverProgress describes how a driver of an entry relates to the entry's command.
type DriverProgress struct {
	Deregistered bool
	Holds        bool // no newer command for the same setting is known to hold for the driver
	Converged    bool // it is active and reports what the command asks for
	Applied      bool // it has reported this itself
	Connected    bool
}

// Progress reports how far the drivers of e have followed it. inForce says that the command still holds for some
// driver.
func (e Entry) Progress(inForce bool, taker func(id string) DriverProgress) (p Progress) {
	acked, ids := e.ackedBy(), e.Drivers()
	p.Holds = inForce && len(ids) == 0
	for _, id := range ids {
		switch t := taker(id); {
		case t.Deregistered:
			p.Deregistered = append(p.Deregistered, id)
		case !t.Holds:
		case t.Converged:
			p.Holds, p.Converged = true, append(p.Converged, id)
		case !t.Applied && (t.Connected || !acked[id]):
			p.Holds, p.Outstanding = true, append(p.Outstanding, id)
		default:
			p.Holds = true
		}
	}
	return p
}

// Drivers returns the drivers of e, targeted or left out, sorted, without those that belong to another run.
func (e Entry) Drivers() []string {
	ids := slices.Clone(e.Issued.Targets)
	for _, l := range e.Issued.LeftOut {
		if l.Reason != LeftOutOtherRun {
			ids = append(ids, l.DriverID)
		}
	}
	slices.Sort(ids)
	return ids
}

// ackedBy returns the drivers that have acked e, in time or late.
func (e Entry) ackedBy() map[string]bool {
	acked := map[string]bool{}
	if e.Closed != nil {
		for i, v := range e.Closed.Verdicts {
			acked[e.Issued.Targets[i]] = v.Kind == Acked
		}
	}
	for _, l := range e.Late {
		if l.Reply.Applied {
			acked[l.DriverID] = true
		}
	}
	return acked
}
