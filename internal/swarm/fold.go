package swarm

import (
	"cmp"
	"slices"
)

// folded is one slot of the fold: the rules that can still affect some driver.
type folded struct {
	all      []*rule            // for every driver that has the labels, in order
	byPair   pairIndex          // of all
	byID     map[string][]*rule // for one driver, if it has the labels, in order
	labelled int                // how many rules of byID require labels
	chains   map[chain]*chained // of the conditional rules in all and byID
}

// chained summarizes the conditional rules of one chain.
type chained struct {
	rules  int    // how many there are, one for each driver that they name
	newest uint64 // order of the newest rule so far, even if it was dropped
}

// add inserts a rule and drops those that it makes irrelevant, so that memory is bounded by the number of distinct
// targets and not by the number of commands.
func (f *folded) add(r *rule, ids []string) {
	foreign := f.newestForeign(r)
	for _, id := range ids {
		before := f.asksForLabels(f.byID[id]...)
		kept := append(f.without(f.byID[id], r, foreign), r)
		f.labelled += f.asksForLabels(kept...) - before
		f.setID(id, kept)
		f.count(r)
	}
	if len(ids) > 0 {
		return
	}
	f.thinOut(r, foreign)
	f.all = append(f.all, r)
	f.byPair.add(r)
	f.count(r)
	if len(r.labels) > 0 && f.labelled == 0 {
		return // no rule of byID requires labels, so r covers none of them
	}
	for id, rules := range f.byID {
		before := f.asksForLabels(rules...)
		kept := f.without(rules, r, foreign)
		f.labelled -= before - f.asksForLabels(kept...)
		f.setID(id, kept)
	}
}

func (f *folded) asksForLabels(rules ...*rule) (n int) {
	for _, r := range rules {
		if len(r.labels) > 0 {
			n++
		}
	}
	return n
}

// fewDropped is the largest number of rules that are removed one by one; for more, the list is rebuilt.
const fewDropped = 64

// thinOut drops the rules for all drivers that r makes irrelevant.
func (f *folded) thinOut(r *rule, foreign uint64) {
	candidates := f.byPair.fewest(r.labels)
	if len(r.labels) == 0 || len(candidates) > fewDropped {
		f.all = f.without(f.all, r, foreign)
		f.byPair.rebuild(f.all)
		return
	}
	for _, old := range slices.Clone(candidates) {
		if r.coversFor(old) && f.droppable(old, r, f.all, foreign) {
			at, _ := slices.BinarySearchFunc(f.all, old, byOrder)
			f.all = slices.Delete(f.all, at, at+1)
			f.byPair.remove(old)
			f.discount(old)
		}
	}
}

func byOrder(a, b *rule) int { return cmp.Compare(a.order, b.order) }

func (f *folded) setID(id string, rules []*rule) {
	if len(rules) == 0 {
		delete(f.byID, id)
		return
	}
	if f.byID == nil {
		f.byID = map[string][]*rule{}
	}
	f.byID[id] = rules
}

// without returns the rules without those that r makes irrelevant.
func (f *folded) without(rules []*rule, r *rule, foreign uint64) []*rule {
	kept := rules[:0]
	for _, old := range rules {
		if r.coversFor(old) && f.droppable(old, r, kept, foreign) {
			f.discount(old)
			continue
		}
		kept = append(kept, old)
	}
	clear(rules[len(kept):])
	return kept
}

// droppable reports whether the fold can drop old when it adds r, which covers old. An unconditional r replaces
// everything older, so it always can. A conditional r may have to yield to a rule that old keeps from holding, or that
// old makes yield. So old is dropped only if r certainly replaces it, and if no conditional rule of another submitter
// came after old, because old may have decided whether that rule holds (foreign is the order of the newest such rule).
// A rule of r's own chain is also dropped if such a rule would treat an older rule of the chain in the same way. kept
// contains rules of the same list, in order, including the older ones that stay.
func (f *folded) droppable(old, r *rule, kept []*rule, foreign uint64) bool {
	if r.condition == nil {
		return true
	}
	mate := r.sameChain(old)
	if !mate && old.order > r.condition.Base {
		return false
	}
	if old.order > foreign || old.order > f.newestOfOthers(r, old) {
		return true
	}
	if !mate {
		return false
	}
	first := slices.IndexFunc(kept, func(b *rule) bool { return b.sameChain(old) && b.coversFor(old) })
	return first >= 0 && kept[first].order < old.order && !f.anyBase(r, kept[first].order, old.order)
}

// newestOfOthers is like newestForeign, but ignores the chain of old if old is the newest rule of that chain.
func (f *folded) newestOfOthers(r, old *rule) (newest uint64) {
	mine, _ := chainOf(r)
	theirs, conditional := chainOf(old)
	for c, rules := range f.chains {
		if c != mine && (!conditional || c != theirs || rules.newest != old.order) {
			newest = max(newest, rules.newest)
		}
	}
	return newest
}

// anyBase reports whether a conditional rule of a chain other than r's has its base in [low, high).
func (f *folded) anyBase(r *rule, low, high uint64) bool {
	mine, _ := chainOf(r)
	for c := range f.chains {
		if c != mine && c.base >= low && c.base < high {
			return true
		}
	}
	return false
}

// newestForeign returns the order of the newest conditional rule outside r's chain, 0 for none. An unconditional r does
// not depend on it, so the result is 0.
func (f *folded) newestForeign(r *rule) (newest uint64) {
	mine, conditional := chainOf(r)
	if !conditional {
		return 0
	}
	for c, rules := range f.chains {
		if c != mine {
			newest = max(newest, rules.newest)
		}
	}
	return newest
}

func (f *folded) count(r *rule) {
	c, conditional := chainOf(r)
	if !conditional {
		return
	}
	if f.chains == nil {
		f.chains = map[chain]*chained{}
	}
	if f.chains[c] == nil {
		f.chains[c] = &chained{}
	}
	f.chains[c].rules++
	f.chains[c].newest = max(f.chains[c].newest, r.order)
}

func (f *folded) discount(r *rule) {
	c, conditional := chainOf(r)
	if !conditional {
		return
	}
	if f.chains[c].rules--; f.chains[c].rules == 0 {
		delete(f.chains, c)
	}
}

func (f *folded) newest(id string, labels map[string]string) *rule {
	return newestOf(f.matching(labels), f.byID[id], labels)
}

// newestOrder returns the highest order of the rules that match a driver, whether they hold or not; 0 for none.
func (f *folded) newestOrder(id string, labels map[string]string) uint64 {
	return max(anyNewer(f.matching(labels), labels), anyNewer(f.byID[id], labels))
}

// fewRules is how many rules for all drivers are scanned for a driver; if there are more, the index finds those that
// name its labels.
const fewRules = 16

// matching returns the rules for all drivers that may match the labels, in order.
func (f *folded) matching(labels map[string]string) []*rule {
	if len(f.all) <= fewRules {
		return f.all
	}
	return f.lookUp(labels)
}

func (f *folded) lookUp(labels map[string]string) (found []*rule) {
	for k, v := range labels {
		for _, r := range f.byPair[pair{k, v}] {
			if r.first == (pair{k, v}) {
				found = append(found, r)
			}
		}
	}
	found = append(found, f.byPair[pair{}]...)
	slices.SortFunc(found, byOrder)
	return found
}

// concerning returns the rules that may hold for one driver.
func (f *folded) concerning(id string) []*rule {
	if len(f.byID[id]) == 0 {
		return f.all
	}
	return slices.Concat(f.all, f.byID[id])
}

// namedRule is a rule with the driver ids that it still names, sorted; ids is empty for a rule that names none.
type namedRule struct {
	*rule
	ids []string
}

// namedRules are rules in order.
type namedRules []namedRule

func (n namedRules) only(wanted func(*rule) bool) (out namedRules) {
	for _, r := range n {
		if wanted(r.rule) {
			out = append(out, r)
		}
	}
	return out
}

// after returns the rules with a higher order.
func (n namedRules) after(order uint64) namedRules {
	at, found := slices.BinarySearchFunc(n, order,
		func(r namedRule, order uint64) int { return cmp.Compare(r.order, order) })
	if found {
		at++
	}
	return n[at:]
}

func (n namedRule) target() Target { return Target{DriverIDs: n.ids, Labels: n.labels} }

// outlives reports whether n, a newer conditional rule, replaces old wherever old could hold. In that case old is kept
// only to decide between chains.
func (n namedRule) outlives(old namedRule) bool {
	if !n.replaces(old.rule) || !n.coversFor(old.rule) {
		return false
	}
	return len(n.ids) == 0 || len(old.ids) > 0 && subsetOf(old.ids, n.ids)
}

// inForce returns the rules that no newer rule outlives. Only conditional rules are checked, because an unconditional
// one has already dropped the rules that it covers.
func (n namedRules) inForce() (out namedRules) {
	conditional := n.only(func(r *rule) bool { return r.condition != nil })
	for _, r := range n {
		if !slices.ContainsFunc(conditional.after(r.order), func(newer namedRule) bool { return newer.outlives(r) }) {
			out = append(out, r)
		}
	}
	return out
}

func subsetOf(a, b []string) bool {
	return !slices.ContainsFunc(a, func(id string) bool { _, found := slices.BinarySearch(b, id); return !found })
}

// named returns every rule once, in order.
func (f *folded) named() namedRules {
	out := make(namedRules, len(f.all), len(f.all)+len(f.byID))
	for i, r := range f.all {
		out[i].rule = r
	}
	at := map[*rule]int{}
	for id, rules := range f.byID {
		for _, r := range rules {
			i, ok := at[r]
			if !ok {
				i = len(out)
				at[r] = i
				out = append(out, namedRule{rule: r})
			}
			out[i].ids = append(out[i].ids, id)
		}
	}
	for _, n := range out {
		slices.Sort(n.ids)
	}
	slices.SortFunc(out, func(a, b namedRule) int { return cmp.Compare(a.order, b.order) })
	return out
}

func (f *folded) find(seq uint64) *rule {
	is := func(r *rule) bool { return r.Seq == seq }
	if i := slices.IndexFunc(f.all, is); i >= 0 {
		return f.all[i]
	}
	for _, rules := range f.byID {
		if i := slices.IndexFunc(rules, is); i >= 0 {
			return rules[i]
		}
	}
	return nil
}

// replace replaces the rule with this seq, in the lists of these drivers, or in the rules for all drivers if there are
// no ids.
func (f *folded) replace(seq uint64, with func(old *rule) *rule, ids []string) {
	var made *rule
	swap := func(rules []*rule) {
		for i, r := range rules {
			if r.Seq != seq {
				continue
			}
			if made == nil {
				made = with(r)
			}
			rules[i] = made
		}
	}
	if len(ids) == 0 {
		swap(f.all)
		f.byPair.rebuild(f.all)
	}
	for _, id := range ids {
		swap(f.byID[id])
	}
}

func (f *folded) anyTotal() bool {
	total := func(r *rule) bool { return r.Command.Total }
	if slices.ContainsFunc(f.all, total) {
		return true
	}
	for _, rules := range f.byID {
		if slices.ContainsFunc(rules, total) {
			return true
		}
	}
	return false
}

// removeFor drops the rule with the seq for the given drivers, or for all drivers if there are no ids.
func (f *folded) removeFor(seq uint64, ids []string) {
	if len(ids) == 0 {
		f.remove(seq)
		return
	}
	for _, id := range ids {
		before := f.asksForLabels(f.byID[id]...)
		rules := slices.DeleteFunc(f.byID[id], func(r *rule) bool {
			if r.Seq == seq {
				f.discount(r)
			}
			return r.Seq == seq
		})
		f.labelled += f.asksForLabels(rules...) - before
		f.setID(id, rules)
	}
}

// remove drops the rule with the seq.
func (f *folded) remove(seq uint64) {
	drop := func(rules []*rule) []*rule {
		return slices.DeleteFunc(rules, func(r *rule) bool {
			if r.Seq == seq {
				f.discount(r)
			}
			return r.Seq == seq
		})
	}
	f.all = drop(f.all)
	f.byPair.rebuild(f.all)
	f.labelled = 0
	for id, rules := range f.byID {
		rules = drop(rules)
		f.labelled += f.asksForLabels(rules...)
		f.setID(id, rules)
	}
}

func (f *folded) clone() folded {
	c := folded{
		all: slices.Clone(f.all), byID: make(map[string][]*rule, len(f.byID)), labelled: f.labelled,
		chains: make(map[chain]*chained, len(f.chains)),
	}
	c.byPair.rebuild(c.all)
	for id, rules := range f.byID {
		c.byID[id] = slices.Clone(rules)
	}
	for name, rules := range f.chains {
		copied := *rules
		c.chains[name] = &copied
	}
	return c
}
