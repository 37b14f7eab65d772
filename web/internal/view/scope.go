package view

import (
	"maps"
	"net/url"
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// ScopeStop says what a Stop within a scope affects.
type ScopeStop struct {
	Labels  string // "team=shop"
	Affects string // "3 drivers, 240 players reported."
}

// NewScopeStop counts the drivers with some labels.
func NewScopeStop(w World, labels map[string]string) ScopeStop {
	drivers, reported, unconfirmed := 0, int64(0), int64(0)
	for i, a := range w.aims() {
		d := w.Drivers[i]
		if !(swarm.Target{Labels: labels}).Matches(d.ID, d.Labels) {
			continue
		}
		drivers++
		reported += d.Reported.Players
		if !a.Standing.known() {
			unconfirmed += d.Reported.Players
		}
	}
	return ScopeStop{Labels: strings.Join(Labels(labels), ", "), Affects: affects(drivers, reported, unconfirmed)}
}

// ScopeTopic is the live topic of NewScopeStop.
func ScopeTopic(labels map[string]string) string {
	return "/ui/stop?" + url.Values{"label": Labels(labels)}.Encode()
}

// ParsePairs reads labels that each stand in a field of their own, as key=value. Unlike a list of labels in one text,
// their values may contain any character.
func ParsePairs(pairs []string) map[string]string {
	labels := map[string]string{}
	for _, pair := range pairs {
		if key, value, ok := strings.Cut(pair, "="); ok {
			labels[key] = value
		}
	}
	return labels
}

// WithScope returns labels with those of a scope, and the first label that is different in the two.
func WithScope(labels, scope map[string]string) (all map[string]string, conflict string) {
	if len(scope) == 0 {
		return labels, ""
	}
	all = maps.Clone(scope)
	for _, pair := range Labels(labels) {
		key, value, _ := strings.Cut(pair, "=")
		if fixed, ok := scope[key]; ok && fixed != value {
			return all, key
		}
		all[key] = value
	}
	return all, ""
}

// CommonLabels returns the labels of a that b has too, or nil.
func CommonLabels(a, b map[string]string) (common map[string]string) {
	for key, value := range a {
		if has, ok := b[key]; ok && has == value {
			common, _ = WithScope(common, map[string]string{key: value})
		}
	}
	return common
}
