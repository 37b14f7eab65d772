package swarm

import "slices"

// pair is one label.
type pair struct{ key, value string }

// pairIndex finds rules by their labels, so that a command to some drivers is not compared with the rules of all
// others.
type pairIndex map[pair][]*rule

func (x *pairIndex) add(r *rule) {
	if *x == nil {
		*x = pairIndex{}
	}
	for _, p := range r.pairs() {
		(*x)[p] = append((*x)[p], r)
	}
}

// pairs returns the labels that r requires; a rule without labels is indexed under the empty pair.
func (r *rule) pairs() []pair {
	if len(r.labels) == 0 {
		return []pair{{}}
	}
	out := make([]pair, 0, len(r.labels))
	for k, v := range r.labels {
		out = append(out, pair{k, v})
	}
	return out
}

func (x pairIndex) remove(r *rule) {
	for _, p := range r.pairs() {
		if x[p] = slices.DeleteFunc(x[p], func(other *rule) bool { return other == r }); len(x[p]) == 0 {
			delete(x, p)
		}
	}
}

func (x *pairIndex) rebuild(rules []*rule) {
	*x = nil
	for _, r := range rules {
		x.add(r)
	}
}

// fewest returns the rules of the rarest of the labels, in order; none if there are no labels.
func (x pairIndex) fewest(labels map[string]string) (fewest []*rule) {
	first := true
	for k, v := range labels {
		if list := x[pair{k, v}]; first || len(list) < len(fewest) {
			fewest, first = list, false
		}
	}
	return fewest
}

// firstOf returns the label with the first key, the empty pair if there are none.
func firstOf(labels map[string]string) (first pair) {
	for k, v := range labels {
		if first.key == "" || k < first.key {
			first = pair{k, v}
		}
	}
	return first
}
