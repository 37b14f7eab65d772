package swarm

import "slices"

// pair is one label.
type pair struct{ key, value string }

// pairIndex finds rules by the labels they ask for, so that a command to some drivers is not compared with the rules of all others.
type pairIndex map[pair][]*rule

func (x *pairIndex) add(r *rule) {
	if *x == nil {
		*x = pairIndex{}
	}
	for k, v := range r.labels {
		(*x)[pair{k, v}] = append((*x)[pair{k, v}], r)
	}
}

func (x pairIndex) remove(r *rule) {
	for k, v := range r.labels {
		p := pair{k, v}
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

// fewest returns the rules that ask for the rarest of the labels, in order; none if there are no labels.
func (x pairIndex) fewest(labels map[string]string) (fewest []*rule) {
	first := true
	for k, v := range labels {
		if list := x[pair{k, v}]; first || len(list) < len(fewest) {
			fewest, first = list, false
		}
	}
	return fewest
}
