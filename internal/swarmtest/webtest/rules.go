package webtest

import (
	"slices"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Server answers questions about drivers as the server does: from the fold of a log, by the rules of package swarm. A
// driver's report counts for every command that the driver has applied.
type Server struct {
	Drivers []swarm.Driver
	Desired swarm.Desired
}

// Fold adds the records of the log from a position on.
func (s *Server) Fold(first uint64, records ...swarm.Record) {
	for i, r := range records {
		switch at := first + uint64(i); r := r.(type) {
		case *swarm.Issued:
			s.Desired.Issue(r.Issue(at))
		case *swarm.Reset:
			s.Desired.Reset(at)
		case *swarm.Expired:
			s.Desired.Expire(at, r)
		}
	}
}

// State compares each driver with its desired state.
func (s *Server) State() (out swarm.State) {
	for _, d := range s.Drivers {
		out.Drivers = append(out.Drivers, Drift(d, s.Desired.For(d.ID, d.Labels)))
	}
	return out
}

// Drift compares one driver with its desired state.
func Drift(d swarm.Driver, desired []swarm.Wanted) swarm.Drift {
	return Compared(swarm.Drift{
		DriverID: d.ID, State: d.State, Unresponsive: d.Unresponsive, Desired: desired,
		AppliedSeq: d.AppliedSeq, Reported: d.Reported, ReportedSeq: d.AppliedSeq,
	})
}

// Compared returns d with its reasons.
func Compared(d swarm.Drift) swarm.Drift {
	d.Reasons = d.State.Causes()
	for _, w := range d.Desired {
		d.Against(w, w.Compare(d.Reported, d.ReportedSeq >= w.Seq))
	}
	return d
}

// Progress reports how far the drivers of e have followed it.
func (s *Server) Progress(e swarm.Entry) swarm.Progress {
	slot := e.Issued.Command.Slot()
	inForce := s.Desired.InForce(slot, e.Seq)
	return e.Progress(inForce, func(id string) swarm.DriverProgress {
		i := slices.IndexFunc(s.Drivers, func(d swarm.Driver) bool { return d.ID == id })
		if i < 0 {
			return swarm.DriverProgress{Holds: inForce}
		}
		d := s.Drivers[i]
		desired := s.Desired.For(id, d.Labels)
		at := slices.IndexFunc(desired, func(w swarm.Wanted) bool { return w.Seq == e.Seq })
		if at < 0 {
			return swarm.DriverProgress{}
		}
		return swarm.DriverProgress{
			Holds: true, Converged: Drift(d, desired[at:at+1]).Kind() == swarm.DriftConverged,
			Applied:   d.AppliedSeq >= e.Seq,
			Connected: d.State != swarm.Disconnected,
		}
	})
}
