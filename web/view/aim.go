package view

import "github.com/swarmcall/swarmcall/internal/swarm"

// Standing is how a driver stands to what is asked of it.
type Standing int

// The standings, the worst last.
const (
	Unasked  Standing = iota // nothing is asked of it
	AsAsked                  // it reports what is asked
	Underway                 // it took the command and is on its way there
	Behind                   // it has not answered the command yet
	Refused                  // it refused the command
	Late                     // its heartbeats are late, so what it reports is old
	Lost                     // it has no session
)

// Aim is what is asked of a driver beside what it says it does.
type Aim struct {
	Standing Standing
	Asked    bool
	Target   int64
	Seq      uint64 // the command that asks
	Reset    bool   // nobody asks: the load of the past was taken back
	heard    bool   // a report has come since the command was handed over
}

// aims returns the aim of each driver, in their order. It is worked out once for all that is made of a World.
func (w World) aims() []Aim {
	if w.memo != nil {
		return w.memo.aims
	}
	out := make([]Aim, len(w.Drivers))
	for i, d := range w.Drivers {
		out[i] = w.aim(d)
	}
	return out
}

func (w World) aimAt(i int) Aim {
	if w.memo != nil {
		return w.memo.aims[i]
	}
	return w.aim(w.Drivers[i])
}

func (w World) aim(d swarm.Driver) Aim {
	var a Aim
	drift := w.Drifts[d.ID]
	for _, want := range drift.Desired {
		if want.Command.Slot() == swarm.PlayersSlot {
			a = Aim{Asked: true, Target: want.Command.Players, Seq: want.Seq, Reset: want.Reset, heard: drift.ReportedSeq >= want.Seq}
		}
	}
	a.Standing = w.standing(d, a)
	if a.Reset && a.Standing == AsAsked { // it runs nothing, and nobody told it to
		return Aim{Reset: true}
	}
	return a
}

func (w World) standing(d swarm.Driver, a Aim) Standing {
	switch {
	case d.State == swarm.Disconnected:
		return Lost
	case d.State == swarm.Stale:
		return Late
	case !a.Asked:
		return Unasked
	case a.heard && d.Reported.Players == a.Target:
		return AsAsked
	}
	if w.LogErr == nil && (len(w.Recent) == 0 || a.Seq > w.Recent[0].Seq) {
		return Underway // it came since the log was read
	}
	if e, ok := w.entry(a.Seq); ok {
		if e.Closed == nil {
			return Underway
		}
		if v, ok := verdict(e, d.ID); ok && v.Kind == swarm.Rejected {
			return Refused
		}
	}
	if d.AppliedSeq < a.Seq {
		return Behind
	}
	return Underway
}

// standingBadge says a standing in a word.
func standingBadge(s Standing) Badge {
	return map[Standing]Badge{
		Unasked: {Off, "nothing asked"}, AsAsked: {OK, "as asked"}, Underway: {Busy, "on its way"}, Behind: {Warn, "not applied"},
		Refused: {Warn, "refused"}, Late: {Warn, "stale"}, Lost: {Bad, "lost"},
	}[s]
}
