package drivers

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// knownIndex finds known drivers by label, so that rules need not be compared with every driver.
type knownIndex struct {
	r      *Registry
	now    time.Time
	byPair map[[2]string][]*member // built on first use
}

// matches reports whether a known driver matches t.
func (x *knownIndex) matches(t swarm.Target) bool {
	match := func(m *member) bool { return !x.r.forgotten(m, x.now) && t.Matches(m.id, m.labels) }
	switch {
	case len(t.DriverIDs) > 0:
		return slices.ContainsFunc(t.DriverIDs, func(id string) bool {
			m := x.r.members[id]
			return m != nil && match(m)
		})
	case len(t.Labels) > 0:
		return slices.ContainsFunc(x.fewest(t.Labels), match)
	}
	for _, m := range x.r.members {
		if match(m) {
			return true
		}
	}
	return false
}

// fewest returns the drivers that have the rarest of the labels.
func (x *knownIndex) fewest(labels map[string]string) (fewest []*member) {
	if x.byPair == nil {
		x.byPair = map[[2]string][]*member{}
		for _, m := range x.r.members {
			for key, value := range m.labels {
				x.byPair[[2]string{key, value}] = append(x.byPair[[2]string{key, value}], m)
			}
		}
	}
	first := true
	for key, value := range labels {
		if list := x.byPair[[2]string{key, value}]; first || len(list) < len(fewest) {
			fewest, first = list, false
		}
	}
	return fewest
}
