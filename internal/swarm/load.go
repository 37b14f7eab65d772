package swarm

import (
	"slices"

	"github.com/swarmcall/swarmcall/command"
)

// Running reports whether any driver has desired load.
func (d *Desired) Running() bool { return d.Loaded(Target{}) }

// Loaded reports whether some driver that t could select, known or not, has desired load.
func (d *Desired) Loaded(t Target) bool {
	s := &d.slots[command.LoadSlot]
	if len(t.DriverIDs) == 0 {
		if anyInForce(s.all, t.Labels) {
			return true
		}
		for id := range s.byID {
			if anyInForce(s.concerning(id), t.Labels) {
				return true
			}
		}
		return false
	}
	return slices.ContainsFunc(t.DriverIDs, func(id string) bool { return anyInForce(s.concerning(id), t.Labels) })
}

// anyInForce reports whether one of the rules asks for load from drivers with the labels, and is not certainly replaced
// by a newer rule.
func anyInForce(rules []*rule, labels map[string]string) bool {
	return slices.ContainsFunc(rules, func(r *rule) bool {
		return r.load() && compatible(r.labels, labels) && !slices.ContainsFunc(rules, func(newer *rule) bool {
			return newer.order > r.order && newer.replaces(r) && covers(newer.labels, r.labels, labels)
		})
	})
}

// replaces reports whether r replaces old wherever both match, considering only these two rules.
func (r *rule) replaces(old *rule) bool {
	return r.condition == nil || r.sameChain(old) || old.order <= r.condition.Base
}

// covers reports whether a driver that matches a and b certainly has the pairs of newer.
func covers(newer, a, b map[string]string) bool {
	for k, v := range newer {
		mine, ok := a[k]
		theirs, also := b[k]
		if (!ok || mine != v) && (!also || theirs != v) {
			return false
		}
	}
	return true
}

// Idle lists the rules that the fold may forget or replace: load commands, Stops and spawn delays whose target no known
// driver matches. The caller knows how long that has been so, and says which rules are due; only those are examined in
// full.
func (d *Desired) Idle(matched func(Target) bool, due func(seq uint64) bool) []IdleRule {
	var out []IdleRule
	for i := range d.slots {
		named := d.slots[i].named()
		loads := indexLoads(named.only((*rule).load))
		conditional := named.only(func(r *rule) bool { return r.condition != nil })
		for _, n := range named {
			if matched(n.target()) {
				continue
			}
			idle := IdleRule{Seq: n.Seq, Target: n.target(), Load: n.load()}
			if !idle.Load && due(n.Seq) {
				idle.Needed, idle.Shields = n.needed(loads, conditional)
			}
			out = append(out, idle)
		}
	}
	return out
}

// IdleRule is a rule of the fold whose target no known driver matches. If the rule is not due, the other fields have no
// meaning.
type IdleRule struct {
	Seq    uint64
	Target Target
	Load   bool // it asks for load: it must be replaced by a Stop and not just be forgotten

	// Needed says that the rule keeps load away from drivers that may still connect, so it must not be forgotten.
	// Shields says that it does so against older load only, and is the server's own Stop for load that expired. A
	// driver that connects now is a new driver like any other, so this Stop may be dropped. The log must record that,
	// or the Stop would return after a restart.
	Needed, Shields bool
}

// loadIndex finds load rules that may affect the drivers of another rule.
type loadIndex struct {
	unnamed namedRules            // those that name no driver id
	byID    map[string]namedRules // the others
	all     namedRules
}

func indexLoads(loads namedRules) loadIndex {
	x := loadIndex{all: loads, byID: map[string]namedRules{}}
	for _, n := range loads {
		if len(n.ids) == 0 {
			x.unnamed = append(x.unnamed, n)
		}
		for _, id := range n.ids {
			x.byID[id] = append(x.byID[id], n)
		}
	}
	return x
}

// any reports whether ok holds for a load rule whose target overlaps t.
func (x loadIndex) any(t Target, ok func(namedRule) bool) bool {
	overlaps := func(n namedRule) bool { return ok(n) && n.target().Overlaps(t) }
	if len(t.DriverIDs) == 0 {
		return slices.ContainsFunc(x.all, overlaps)
	}
	return slices.ContainsFunc(x.unnamed, overlaps) ||
		slices.ContainsFunc(t.DriverIDs, func(id string) bool { return slices.ContainsFunc(x.byID[id], overlaps) })
}

// needed reports whether a driver that matches a Stop could receive load if the Stop did not exist: from an older
// command, from a newer one that must yield to the Stop, or from one that yields to a conditional command which holds
// because of the Stop. For a Stop of the server's own, the first case is reported separately.
func (stop namedRule) needed(loads loadIndex, conditional namedRules) (needed, shields bool) {
	shields = loads.any(stop.target(), func(n namedRule) bool { return n.order < stop.order })
	if shields && !stop.Reset {
		return true, false
	}
	between := conditional.after(stop.order)
	needed = loads.any(stop.target(), func(n namedRule) bool {
		if n.order < stop.order || n.condition == nil {
			return false
		}
		return n.yieldsTo(stop.rule) || slices.ContainsFunc(between, func(m namedRule) bool {
			return m.order < n.order && n.yieldsTo(m.rule) && m.target().Overlaps(stop.target())
		})
	})
	return needed, shields && !needed
}

// Forget drops an idle rule that is neither load nor needed.
func (d *Desired) Forget(seq uint64) {
	for i := range d.slots {
		d.slots[i].remove(seq)
	}
}

// ForgetFixed forgets the fixed targets that are no longer known drivers.
func (d *Desired) ForgetFixed(known func(id string) bool) {
	for id := range d.fixed {
		if !known(id) {
			delete(d.fixed, id)
		}
	}
}
