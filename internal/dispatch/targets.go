package dispatch

import (
	"slices"
	"strings"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// fixTargets decides which matching members receive the command and which are left out; both are sorted by driver id.
// The active members are the targets. If none is active, a Stop targets all: the lost drivers are missing at once, and
// the Stop waits for them in the log. Those whose sessions are about to end still receive it, and may answer.
func fixTargets(t command.Type, in swarm.Targeted) (targets []swarm.Member, leftOut []swarm.LeftOut) {
	if t == command.Stop && !anyActive(in.Members) {
		targets = stillThere(in.Members)
	} else {
		targets, leftOut = active(t, in.Members)
	}
	for _, id := range in.OtherRun {
		leftOut = append(leftOut, swarm.LeftOut{DriverID: id, Reason: swarm.LeftOutOtherRun})
	}
	slices.SortFunc(leftOut, func(a, b swarm.LeftOut) int { return strings.Compare(a.DriverID, b.DriverID) })
	return targets, leftOut
}

// active separates active members from lost ones. A Stop targets the drivers of a silent node too: that node may still
// read the Stop from the log, and until then they are missing.
func active(t command.Type, members []swarm.Member) (active []swarm.Member, leftOut []swarm.LeftOut) {
	if !slices.ContainsFunc(members, isLost) {
		return members, nil
	}
	for _, m := range members {
		switch {
		case m.Lost == "", m.Lost == swarm.ReasonNodeLost && t == command.Stop:
			active = append(active, m)
		case m.Lost == swarm.ReasonStale:
			leftOut = append(leftOut, swarm.LeftOut{DriverID: m.DriverID, Reason: swarm.LeftOutStale})
		default:
			leftOut = append(leftOut, swarm.LeftOut{DriverID: m.DriverID, Reason: swarm.LeftOutDisconnected})
		}
	}
	return active, leftOut
}

// stillThere returns members of whom those with a session are not lost.
func stillThere(members []swarm.Member) []swarm.Member {
	members = slices.Clone(members)
	for i, m := range members {
		if m.Retires {
			members[i].Lost = ""
		}
	}
	return members
}

func isLost(m swarm.Member) bool { return m.Lost != "" }

func anyActive(members []swarm.Member) bool {
	return slices.ContainsFunc(members, func(m swarm.Member) bool { return !isLost(m) })
}
