package remote

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/command"
)

// LeftOut returns the known drivers that match the target of an entry and were not targeted. They count as missing.
// Lists of entries have only the first of them.
func LeftOut(e Entry) (out []api.LeftOut) {
	for _, l := range deref(e.LeftOut) {
		if l.Reason != api.LeftOutReasonOtherRun {
			out = append(out, l)
		}
	}
	return out
}

// Elsewhere returns the drivers that a conditional command skipped, because a newer command of another submitter holds
// for them. They are not missing.
func Elsewhere(e Entry) (ids []string) {
	for _, l := range deref(e.LeftOut) {
		if l.Reason == api.LeftOutReasonOtherRun {
			ids = append(ids, l.DriverId)
		}
	}
	return ids
}

// CountLeftOut returns the number of left-out drivers, exact even if the list is not complete.
func CountLeftOut(e Entry) int { return max(deref(e.Counts.LeftOut)-len(Elsewhere(e)), 0) }

// Meant returns how many drivers an entry is for: those targeted, and those left out.
func Meant(e Entry) int { return e.Counts.Targeted + CountLeftOut(e) }

// Reached returns the drivers that an entry was sent to, or would have been.
func Reached(e Entry) map[string]bool {
	ids := map[string]bool{}
	if e.Acked != nil {
		for _, x := range *e.Acked {
			ids[x.DriverId] = true
		}
	}
	for _, x := range e.Rejected {
		ids[x.DriverId] = true
	}
	for _, x := range e.Missing {
		ids[x.DriverId] = true
	}
	for _, x := range e.Superseded {
		ids[x.DriverId] = true
	}
	return ids
}

// MeantFor returns the drivers that an entry is for: those that it was sent to, and those left out.
func MeantFor(e Entry) map[string]bool {
	ids := Reached(e)
	for _, l := range LeftOut(e) {
		ids[l.DriverId] = true
	}
	return ids
}

// LeftOutText describes how many drivers were left out, and why: "3 left out (2 stale, 1 disconnected)"; "" for none.
func LeftOutText(e Entry) string {
	n := CountLeftOut(e)
	if n == 0 {
		return ""
	}
	by := map[string]int{}
	for _, l := range LeftOut(e) {
		by[string(l.Reason)]++
	}
	reasons := slices.Sorted(maps.Keys(by))
	if len(reasons) == 1 {
		return fmt.Sprintf("%d left out (%s)", n, reasons[0])
	}
	var parts []string
	for _, reason := range reasons {
		parts = append(parts, fmt.Sprintf("%d %s", by[reason], reason))
	}
	if len(parts) == 0 {
		return fmt.Sprintf("%d left out", n)
	}
	return fmt.Sprintf("%d left out (%s)", n, strings.Join(parts, ", "))
}

// ReachedNoDriver reports whether an entry is a Stop that was logged without a driver to send it to.
func ReachedNoDriver(e Entry) bool {
	return CommandOf(e).Type == command.Stop && e.Counts.Targeted == 0 && deref(e.Counts.LeftOut) == 0
}

// InUseLines lists the values of a target's labels and ids that drivers have: the others may be misspelt.
func InUseLines(u *api.InUse) (lines []string) {
	if u == nil {
		return nil
	}
	for _, key := range slices.Sorted(maps.Keys(u.Labels)) {
		values := u.Labels[key]
		if len(values) == 0 {
			lines = append(lines, fmt.Sprintf("in use: no driver has the label %s", key))
			continue
		}
		lines = append(lines, fmt.Sprintf("in use: %s: %s", key, strings.Join(values, ", ")))
	}
	if len(u.DriverIds) > 0 {
		lines = append(lines, "in use: driver ids: "+strings.Join(u.DriverIds, ", "))
	}
	return lines
}

// deref returns what p points to, or the zero value.
func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
