package view

import (
	"maps"
	"slices"
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// A Stop may match no driver: because the drivers have left, because they have not reconnected yet, or because of a
// mistake in its target. The server's answer says which of these it is.

// noTargets reports whether e was logged although no driver was connected.
func noTargets(e swarm.Entry) bool { return len(e.Issued.Targets) == 0 }

// unmatched describes the effect of a command that was logged without targets.
func (w World) unmatched(e swarm.Entry) string {
	return "Logged; no driver was connected. " + returning(e.Issued.Target, w.Reach(e.Issued.Target))
}

func returning(t swarm.Target, r swarm.Reach) string {
	switch {
	case r.Awaited:
		return "It stops drivers that reconnect."
	case r.Left:
		return "The drivers that matched have left; it stops them if they reconnect."
	}
	return noMatch(t, r.InUse)
}

// noMatch says that no driver matches a target, and which values are in use.
func noMatch(t swarm.Target, u swarm.InUse) string {
	says := "No driver matches " + targetWords(t)
	if used := inUse(u); used != "" {
		says += "; in use: " + used
	}
	return says + "."
}

// nothingToStop says why a Stop was refused, using the attributes of the refusal.
func nothingToStop(t swarm.Target, err *swarm.Error) (title, says string, calm bool) {
	gone, _ := err.Attrs["nothing_to_stop"].(bool)
	used, _ := err.Attrs["in_use"].(swarm.InUse)
	switch {
	case gone && len(t.DriverIDs)+len(t.Labels) == 0:
		return "Nothing to stop", "No driver is connected, and no load is set.", true
	case gone:
		return "Nothing to stop", "The drivers that matched have left.", true
	}
	return "Nothing was stopped", noMatch(t, used), false
}

// targetWords names a target as the submitter wrote it: "zone=eu", or the ids.
func targetWords(t swarm.Target) string {
	parts := Labels(t.Labels)
	if n := len(t.DriverIDs); n > 0 {
		parts = append([]string{few(t.DriverIDs)}, parts...)
	}
	if len(parts) == 0 {
		return "the target"
	}
	return strings.Join(parts, ", ")
}

// inUse lists the values that known drivers have for the keys of a target: "zone us, eu-west; drivers d-1, d-2".
func inUse(u swarm.InUse) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(u.Labels)) {
		if values := u.Labels[key]; len(values) > 0 {
			parts = append(parts, key+" "+strings.Join(values, ", "))
		}
	}
	if len(u.DriverIDs) > 0 {
		parts = append(parts, "drivers "+strings.Join(u.DriverIDs, ", "))
	}
	return strings.Join(parts, "; ")
}
