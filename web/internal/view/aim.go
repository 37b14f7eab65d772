package view

import (
	"slices"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Standing is how a driver compares with what is asked of it.
type Standing int

// The standings, the worst last.
const (
	Unasked      Standing = iota // no players are asked of it
	OnTarget                     // it reports what is asked
	OutsideSplit                 // it is asked for 0 players, because it came after the total was split
	Underway                     // it took the command and is on its way there
	Behind                       // it has not answered the command yet
	Refused                      // it refused the command, or does not support it
	Late                         // its heartbeats are late, so what it does is not known
	Lost                         // it has no session, so what it does is not known
)

// known reports whether what the driver does is known.
func (s Standing) known() bool { return s < Late }

// Aim is what is asked of a driver beside what it says it does.
type Aim struct {
	Standing Standing
	Asked    bool
	Target   int64
	Seq      uint64 // the command that asks
	Reset    bool   // no submitter asks: the load of the past was taken back
	Off      swarm.Wanted
	Reasons  []swarm.DriftCause // why Off is not met, or why that is not known
}

// unknown is 1 for a driver of which it is not known what it does, 0 for any other.
func (a Aim) unknown() int {
	if a.Standing.known() {
		return 0
	}
	return 1
}

// aims returns the aim of each driver, in their order. It is worked out once for all that is made of a World.
func (w World) aims() []Aim { return w.memo.aims }

func (w World) aimAt(i int) Aim { return w.memo.aims[i] }

func (w World) aim(d swarm.Driver) Aim {
	drift := w.Drifts[d.ID]
	a := Aim{Off: off(drift), Reasons: drift.Reasons}
	for _, want := range drift.Desired {
		if want.Command.Slot() == command.LoadSlot {
			a.Asked, a.Target, a.Seq, a.Reset = true, want.Command.Value, want.Seq, want.Reset
		}
	}
	a.Standing = w.standing(d, drift, a)
	if a.Reset && a.Standing == OnTarget { // it runs nothing, and no submitter asked for that
		return Aim{Reset: true, Seq: a.Seq}
	}
	return a
}

// off is the command that a drifting driver does not meet: the one for players, unless only the spawn delay differs.
func off(drift swarm.Drift) (w swarm.Wanted) {
	other := func(c swarm.DriftCause) bool { return !command.SpawnDelaySlot.Drifts(string(c)) }
	delay := len(drift.Reasons) > 0 && !slices.ContainsFunc(drift.Reasons, other)
	for _, want := range drift.Desired {
		if players := want.Command.Slot() == command.LoadSlot; w.Seq == 0 || players != delay {
			w = want
		}
	}
	return w
}

// standing says how a driver stands. Whether it has converged is decided by the server alone (swarm.Drift.Kind), so
// that no page contradicts GET /state; a page adds only how far a drifting driver has come.
func (w World) standing(d swarm.Driver, drift swarm.Drift, a Aim) Standing {
	switch drift.Kind() {
	case swarm.DriftUnknown:
		if drift.State == swarm.Disconnected {
			return Lost
		}
		return Late
	case swarm.DriftConverged:
		switch {
		case drift.OutsideSplit:
			return OutsideSplit
		case a.Asked:
			return OnTarget
		}
		return Unasked
	case swarm.DriftDrifting:
	}
	return w.progressOf(d, a.Off.Seq, a.Reasons)
}

// progressOf says how far a driver is with a command that it does not meet yet.
func (w World) progressOf(d swarm.Driver, seq uint64, reasons []swarm.DriftCause) Standing {
	if slices.Contains(reasons, swarm.DriftUnsupported) {
		return Refused
	}
	if w.LogErr == nil && (len(w.Recent) == 0 || seq > w.Recent[0].Seq) {
		return Underway // it came since the log was read
	}
	if e, ok := w.entry(seq); ok {
		if e.Closed == nil {
			return Underway
		}
		if v, ok := verdict(e, d.ID); ok && v.Kind == swarm.Rejected {
			return Refused
		}
	}
	if d.AppliedSeq < seq {
		return Behind
	}
	return Underway
}

// standingBadge says a standing in a word.
func standingBadge(s Standing) Badge {
	return map[Standing]Badge{
		Unasked: {Off, "no target"}, OnTarget: {OK, "on target"}, OutsideSplit: {Warn, "outside the split"},
		Underway: {Busy, "changing"}, Behind: {Warn, "not applied"}, Refused: {Warn, "refused"},
		Late: {Warn, "unknown"}, Lost: {Bad, "unknown"},
	}[s]
}
