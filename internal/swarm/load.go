package swarm

import "slices"

// Running reports whether load is desired of any driver.
func (d *Desired) Running() bool { return d.Loaded(Target{}) }

// Loaded reports whether load is desired of some driver, known or not, that t could select.
func (d *Desired) Loaded(t Target) bool {
	s := &d.slots[PlayersSlot]
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

// anyInForce reports whether one of the rules desires load of drivers with the labels, and no newer one takes its place for certain.
func anyInForce(rules []*rule, labels map[string]string) bool {
	return slices.ContainsFunc(rules, func(r *rule) bool {
		return r.load() && compatible(r.labels, labels) && !slices.ContainsFunc(rules, func(newer *rule) bool {
			return newer.order > r.order && newer.replaces(r) && covers(newer.labels, r.labels, labels)
		})
	})
}

// replaces reports whether r takes the place of old wherever both match, as far as the two decide that.
func (r *rule) replaces(old *rule) bool {
	return r.condition == nil || r.sameChain(old) || old.order <= r.condition.Base
}

// covers reports whether a driver with the pairs of both a and b has those of newer for certain.
func covers(newer, a, b map[string]string) bool {
	for k, v := range newer {
		mine, ok := a[k]
		theirs, also := b[k]
		if !(ok && mine == v) && !(also && theirs == v) {
			return false
		}
	}
	return true
}

// Idle lists what the fold may forget or replace: load commands, Stops and spawn delays whose target no known driver matches. The
// caller knows since when that is so.
func (d *Desired) Idle(matched func(Target) bool) []IdleRule {
	var out []IdleRule
	for i := range d.slots {
		named := d.slots[i].named()
		loads, conditional := named.only((*rule).load), named.only(func(r *rule) bool { return r.condition != nil })
		for _, n := range named {
			if !matched(n.target()) {
				needed := !n.load() && (n.shields(loads) || n.decides(loads, conditional))
				out = append(out, IdleRule{Seq: n.Seq, Target: n.target(), Load: n.load(), Needed: needed})
			}
		}
	}
	return out
}

// IdleRule is a rule of the fold whose target no known driver matches.
type IdleRule struct {
	Seq    uint64
	Target Target
	Load   bool // it asks for load: it is to be replaced by a Stop and must not just be forgotten
	Needed bool // it keeps load away from drivers that may come: it must not be forgotten
}

// shields reports whether a driver that matches the Stop could be told load if the Stop were not there: by an older command, or by a
// newer one that has to yield to the Stop. A Stop of the server's own, for load that expired, does not keep older load away: whoever
// comes then is a new driver like any other.
func (stop namedRule) shields(loads namedRules) bool {
	return slices.ContainsFunc(loads, func(n namedRule) bool {
		older := n.order < stop.order && !stop.Reset
		return (older || n.order > stop.order && n.yieldsTo(stop.rule)) && n.target().Overlaps(stop.target())
	})
}

// decides reports whether the Stop may decide that a conditional command holds to which newer load has to yield.
func (stop namedRule) decides(loads, conditional namedRules) bool {
	between := conditional.after(stop.order)
	if len(between) == 0 {
		return false
	}
	return slices.ContainsFunc(loads.after(stop.order), func(n namedRule) bool {
		return n.condition != nil && n.target().Overlaps(stop.target()) && slices.ContainsFunc(between, func(m namedRule) bool {
			return m.order < n.order && n.yieldsTo(m.rule) && m.target().Overlaps(stop.target())
		})
	})
}

// Forget drops an idle rule that is neither load nor needed.
func (d *Desired) Forget(seq uint64) {
	for i := range d.slots {
		d.slots[i].remove(seq)
	}
}

// ForgetFixed drops what is remembered of drivers that were fixed targets and are not known any more.
func (d *Desired) ForgetFixed(known func(id string) bool) {
	for id := range d.fixed {
		if !known(id) {
			delete(d.fixed, id)
		}
	}
}
