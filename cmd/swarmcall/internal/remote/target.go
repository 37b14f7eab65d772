package remote

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	api "github.com/swarmcall/swarmcall/api/client"
)

// TargetText describes a target: "region=eu,team=shop d-1,d-2"; "" for all drivers.
func TargetText(t api.Target) string { return targetText(t, -1) }

// TargetBrief is TargetText for one line: only the first of many ids, and "all" for all drivers.
func TargetBrief(t api.Target) string {
	const few = 3
	if text := targetText(t, few); text != "" {
		return text
	}
	return "all"
}

func targetText(t api.Target, most int) string {
	var parts []string
	if len(deref(t.Labels)) > 0 {
		parts = append(parts, LabelsText(*t.Labels))
	}
	if ids := deref(t.DriverIds); len(ids) > 0 {
		text := strings.Join(ids, ",")
		if most >= 0 && len(ids) > most {
			text = fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ","), len(ids)-most)
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// LabelsText formats labels as in a target: "region=eu,team=shop".
func LabelsText(labels map[string]string) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		parts = append(parts, key+"="+labels[key])
	}
	return strings.Join(parts, ",")
}

// MayShare reports whether a driver with these labels may match a target. Only a label with another value rules it out:
// the driver's other labels are not known here.
func MayShare(t api.Target, labels map[string]string) bool {
	for key, value := range deref(t.Labels) {
		if other, same := labels[key]; same && other != value {
			return false
		}
	}
	return true
}

// StopLine returns a command line to copy that stops the drivers of a target, and only these.
func StopLine(t *Target, flags ...string) string {
	words := append([]string{"swarmcall", "stop"}, flags...)
	if t != nil {
		for _, key := range slices.Sorted(maps.Keys(t.Labels)) {
			words = append(words, "--label", quoted(key+"="+t.Labels[key]))
		}
		for _, id := range t.DriverIDs {
			words = append(words, "--driver", quoted(id))
		}
	}
	return strings.Join(words, " ")
}

// quoted quotes a word for a shell.
func quoted(word string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("._:@/=+-", r) ||
			'0' <= r && r <= '9' || 'A' <= r && r <= 'Z' || 'a' <= r && r <= 'z'
	}
	if !strings.ContainsFunc(word, func(r rune) bool { return !plain(r) }) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
