package view

import (
	"slices"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Standing compares a driver with its target.
type Standing int

// The standings, from best to worst.
const (
	NoTarget     Standing = iota // it has no target for players
	OnTarget                     // it reports its target
	OutsideSplit                 // its target is 0 players, because it connected after the total was split
	Underway                     // it accepted the command and has not reached the target yet
	Behind                       // it has not answered the command yet
	Refused                      // it refused the command, or does not support it
	Late                         // its heartbeats are late, so its load is unknown
	Lost                         // it has no session, so its load is unknown
)

// known reports whether the load of the driver is known.
func (s Standing) known() bool { return s < Late }

// Aim is the target of a driver and how the driver compares with it.
type Aim struct {
	Standing Standing
	Asked    bool
	Target   int64
	Seq      uint64 // the command that set the target
	Reset    bool   // the target was set by a reset, not by a submitter
	Off      swarm.Wanted
	Reasons  []swarm.DriftCause // why Off is not met, or why that is unknown
}

// unknown is 1 for a driver whose load is unknown, and 0 otherwise.
func (a Aim) unknown() int {
	if a.Standing.known() {
		return 0
	}
	return 1
}

// aims returns the aim of each driver, in the order of Drivers. It is computed once per World.
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
	if a.Reset && a.Standing == OnTarget { // it runs nothing, and no submitter has set that target
		return Aim{Reset: true, Seq: a.Seq}
	}
	return a
}

// off returns the command that a drifting driver does not meet: the one for players, unless only the spawn delay
// differs.
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

// standing returns the standing of a driver. Only the server decides whether it has converged (swarm.Drift.Kind), so
// that no page contradicts GET /state; a page adds only the progress of a drifting driver.
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
		return NoTarget
	case swarm.DriftDrifting:
	}
	return w.progressOf(d, a.Off.Seq, a.Reasons)
}

// progressOf returns the progress of a driver with a command that it does not meet yet.
func (w World) progressOf(d swarm.Driver, seq uint64, reasons []swarm.DriftCause) Standing {
	if slices.Contains(reasons, swarm.DriftUnsupported) {
		return Refused
	}
	if w.LogErr == nil && (len(w.Recent) == 0 || seq > w.Recent[0].Seq) {
		return Underway // the command was logged after Recent was read
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

// standingBadge shows a standing in one or two words.
func standingBadge(s Standing) Badge {
	return map[Standing]Badge{
		NoTarget: {Off, "no target"}, OnTarget: {OK, "on target"}, OutsideSplit: {Warn, "outside the split"},
		Underway: {Busy, "changing"}, Behind: {Warn, "not applied"}, Refused: {Warn, "refused"},
		Late: {Warn, "unknown"}, Lost: {Bad, "unknown"},
	}[s]
}
