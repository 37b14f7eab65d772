package swarm

import "slices"

// Causes says why it is not known what a driver in this state does; there are none while it is heard.
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

// Against compares d with one command that holds for its driver: causes are what of the report is not as the command
// asks. It reports whether the command is a total that a connected driver has no part of.
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

// Taker is how a driver that an entry is for stands to the entry's command.
type Taker struct {
	Deregistered bool
	Holds        bool // no newer command for the same setting is known to hold for the driver
	Converged    bool // it is active and reports what the command asks for
	Applied      bool // it says so itself
	Connected    bool
}

// Progress tells how far the drivers of e are with it. inForce says that the command still holds for anyone.
func (e Entry) Progress(inForce bool, taker func(id string) Taker) (p Progress) {
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

// Drivers returns the drivers that e is for, targeted or left out, sorted. Those that belong to another run are not.
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
