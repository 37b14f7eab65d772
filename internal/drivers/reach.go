package drivers

import (
	"maps"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Reach returns what is known about a target that no known driver matches: which parts of it are in use, and whether
// drivers have matched it, or drivers that match it may still connect.
func (r *Registry) Reach(t swarm.Target) swarm.Reach {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.former.trim(now.Add(-r.cfg.ForgetAfter))
	out := swarm.Reach{InUse: r.inUse(t, now), Left: len(t.DriverIDs)+len(t.Labels) == 0 || r.former.matches(t)}
	out.Awaited = now.Sub(r.startedAt) < r.cfg.ForgetAfter && (out.Left || !otherValues(t, out.InUse))
	for key, values := range out.InUse.Labels {
		slices.Sort(values)
		out.InUse.Labels[key] = values[:min(len(values), swarm.MaxInUse)]
	}
	return out
}

// otherValues reports whether a known driver has a label key of t with another value.
func otherValues(t swarm.Target, in swarm.InUse) bool {
	for key, value := range t.Labels {
		if slices.ContainsFunc(in.Labels[key], func(v string) bool { return v != value }) {
			return true
		}
	}
	return false
}

// inUse lists the values that known drivers have for the keys of t, and the known drivers that t names.
func (r *Registry) inUse(t swarm.Target, now time.Time) swarm.InUse {
	values := map[string]map[string]bool{}
	var ids []string
	for _, m := range r.members {
		if r.forgotten(m, now) {
			continue
		}
		for key := range t.Labels {
			if v, ok := m.labels[key]; ok {
				if values[key] == nil {
					values[key] = map[string]bool{}
				}
				values[key][v] = true
			}
		}
	}
	for _, id := range t.DriverIDs {
		if m := r.members[id]; m != nil && !r.forgotten(m, now) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	in := swarm.InUse{Labels: map[string][]string{}, DriverIDs: ids[:min(len(ids), swarm.MaxInUse)]}
	for key, set := range values {
		in.Labels[key] = slices.Collect(maps.Keys(set))
	}
	return in
}
