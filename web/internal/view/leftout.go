package view

import (
	"slices"
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// leftOutWords says how many drivers e left out, and why: "3 left out (stale)"; "" when there are none.
func leftOutWords(e swarm.Entry) string {
	all := e.Issued.LeftOut
	if len(all) == 0 {
		return ""
	}
	n := map[swarm.LeftOutReason]int{}
	for _, l := range all {
		n[l.Reason]++
	}
	var why []string
	for _, reason := range leftOutReasons(all) {
		word := strings.ReplaceAll(string(reason), "_", " ")
		if len(n) > 1 {
			word = Count(n[reason]) + " " + word
		}
		why = append(why, word)
	}
	return Count(len(all)) + " left out (" + strings.Join(why, ", ") + ")"
}

// leftOutReasons lists the reasons that occur: first those that this version knows, in a fixed order, then others.
func leftOutReasons(all []swarm.LeftOut) []swarm.LeftOutReason {
	var out []swarm.LeftOutReason
	for _, reason := range swarm.LeftOutReasons() {
		if slices.ContainsFunc(all, func(l swarm.LeftOut) bool { return l.Reason == reason }) {
			out = append(out, reason)
		}
	}
	for _, l := range all {
		if !slices.Contains(out, l.Reason) {
			out = append(out, l.Reason)
		}
	}
	return out
}

// leftOutOf returns why e left a driver out; ok is false if it did not. The log has them sorted by id.
func leftOutOf(e swarm.Entry, id string) (reason swarm.LeftOutReason, ok bool) {
	all := e.Issued.LeftOut
	byID := func(l swarm.LeftOut, id string) int { return strings.Compare(l.DriverID, id) }
	i, ok := slices.BinarySearchFunc(all, id, byID)
	if !ok {
		return "", false
	}
	return all[i].Reason, true
}

// leftOutWhy says why a driver was left out, and what happens to it.
func leftOutWhy(e swarm.Entry, reason swarm.LeftOutReason) string {
	then := "; it receives its current commands when it is back"
	if e.Issued.Command.Total {
		then = "; it has no share of the total, and runs 0 players until the total is split again"
	}
	switch reason {
	case swarm.LeftOutStale:
		return "stale: its heartbeats were late" + then
	case swarm.LeftOutDisconnected:
		return "disconnected" + then
	case swarm.LeftOutOtherRun:
		return "a newer command from another submitter is in effect for it"
	default:
		return string(reason)
	}
}

var leftOutBadge = Badge{Warn, "left out"}

// leftOutRows lists at most limit drivers that e left out.
func leftOutRows(e swarm.Entry, limit int) []MissingRow {
	var out []MissingRow
	for _, l := range e.Issued.LeftOut[:max(0, min(limit, len(e.Issued.LeftOut)))] {
		out = append(out, MissingRow{l.DriverID, DriverURL(l.DriverID), leftOutBadge, leftOutWhy(e, l.Reason)})
	}
	return out
}

// leftOutNow names the first few drivers that e left out, with their present state.
func (w World) leftOutNow(e swarm.Entry) string {
	var parts []string
	all := e.Issued.LeftOut
	for _, l := range all[:min(namedFew, len(all))] {
		i, ok := w.index(l.DriverID)
		if ok && !w.aimAt(i).Standing.known() {
			parts = append(parts, l.DriverID+" "+w.why(i))
		} else {
			parts = append(parts, l.DriverID+" ("+strings.ReplaceAll(string(l.Reason), "_", " ")+")")
		}
	}
	if more := len(all) - namedFew; more > 0 {
		parts = append(parts, "and "+Count(more)+" more")
	}
	return strings.Join(parts, " · ")
}
