package swarm

import (
	"slices"
)

// rule is one command of the fold, as it holds for drivers that match its target.
type rule struct {
	Wanted
	order     uint64     // its rank among the rules: its seq, or that of the command it replaced
	submitter string     // "" for the server's own
	condition *Condition // nil for none
	labels    map[string]string
	first     pair             // the label with the lowest key; lookUp finds the rule once by it
	parts     map[string]int64 // of a total: how many each driver of the split is to run; the other drivers run none
}

// wanted is the rule as it holds for one driver.
func (r *rule) wanted(id string) Wanted {
	w := r.Wanted
	if w.Command.Total {
		part, has := r.parts[id]
		w.Command.Total, w.Command.Value, w.OutsideSplit = false, part, !has
	}
	return w
}

// yieldsTo reports whether r must not replace current, the newest rule that holds for a driver without r.
func (r *rule) yieldsTo(current *rule) bool {
	return r.condition != nil && current != nil && current.submitter != r.submitter && current.order > r.condition.Base
}

// chain identifies the conditional commands of one submitter that build on each other: they share one base.
type chain struct {
	submitter string
	base      uint64
}

// chainOf returns the chain of a conditional rule; ok is false for any other.
func chainOf(r *rule) (c chain, ok bool) {
	if r.condition == nil {
		return chain{}, false
	}
	return chain{r.submitter, r.condition.Base}, true
}

func (r *rule) sameChain(other *rule) bool {
	mine, conditional := chainOf(r)
	theirs, ok := chainOf(other)
	return conditional && ok && mine == theirs
}

// coversFor reports whether r, the newer rule, makes old irrelevant for every driver that old could hold for, whatever
// other rules there are. An unconditional rule does so wherever it matches. See also folded.droppable.
func (r *rule) coversFor(old *rule) bool { return subset(r.labels, old.labels) }

func (r *rule) load() bool { return r.Command.Load() }

// newestOf returns the rule that holds for a driver: each rule, in order, replaces the one before unless it must yield.
// The two lists are those of one slot that may hold for the driver.
func newestOf(all, own []*rule, labels map[string]string) (current *rule) {
	for len(all)+len(own) > 0 {
		list := &all
		if len(all) == 0 || len(own) > 0 && own[0].order < all[0].order {
			list = &own
		}
		r := (*list)[0]
		*list = (*list)[1:]
		if subset(r.labels, labels) && !r.yieldsTo(current) {
			current = r
		}
	}
	return current
}

// anyNewer returns the highest order of the rules that match the labels, whether they hold or not; 0 for none.
func anyNewer(rules []*rule, labels map[string]string) uint64 {
	for _, r := range slices.Backward(rules) {
		if subset(r.labels, labels) {
			return r.order
		}
	}
	return 0
}
