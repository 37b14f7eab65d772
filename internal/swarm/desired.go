package swarm

import (
	"cmp"
	"slices"
)

// Desired is the fold of the log: what every driver ought to be doing. It answers for drivers that the log never
// named, because commands to labels are matched against the labels a driver registers with. It is not safe for
// concurrent use; the registry owns it under its lock.
type Desired struct {
	slots [slots]folded
}

// Wanted is one desired command and the seq it was issued under.
type Wanted struct {
	Seq     uint64
	Command Command
	Reset   bool // set by a reset record, not by a submitter
}

type rule struct {
	Wanted
	labels map[string]string
	parts  map[string]int64 // of a total: what each driver of the split is to run; the others nothing
}

// wanted is the rule as it holds for one driver.
func (r rule) wanted(id string) Wanted {
	w := r.Wanted
	if w.Command.Total {
		w.Command.Total, w.Command.Players = false, r.parts[id]
	}
	return w
}

// folded is one slot: the rules that no newer rule covers.
type folded struct {
	all  []rule            // for every driver that has the labels, in seq order
	byID map[string][]rule // for one driver, if it has the labels, in seq order
}

// Issue folds one issued command in. Seqs must rise.
func (d *Desired) Issue(i Issue) {
	r := rule{Wanted: Wanted{Seq: i.Seq, Command: i.Command}, labels: i.Target.Labels}
	if i.Command.Total {
		r.parts = make(map[string]int64, len(i.Targets))
		for at, id := range i.Targets[:min(len(i.Targets), len(i.Split))] {
			r.parts[id] = i.Split[at]
		}
	}
	d.slots[i.Command.Slot()].add(r, i.Target.DriverIDs)
}

// Splits returns the totals that no newer rule covers wholly: the seq of each, and what each driver of its split is to run. The
// maps are not to be changed.
func (d *Desired) Splits() map[uint64]map[string]int64 {
	out := map[uint64]map[string]int64{}
	s := &d.slots[PlayersSlot]
	note := func(rules []rule) {
		for _, r := range rules {
			if r.Command.Total {
				out[r.Seq] = r.parts
			}
		}
	}
	note(s.all)
	for _, rules := range s.byID {
		note(rules)
	}
	return out
}

// Reset folds a reset record in: Stop for all.
func (d *Desired) Reset(seq uint64) {
	d.slots[PlayersSlot].add(rule{Wanted: Wanted{Seq: seq, Command: Command{Type: Stop}, Reset: true}}, nil)
}

// For returns what is desired of a driver, in seq order: at most one command per slot.
func (d *Desired) For(id string, labels map[string]string) []Wanted {
	var out []Wanted
	for i := range d.slots {
		if w, ok := d.slots[i].newest(id, labels); ok {
			out = append(out, w)
		}
	}
	slices.SortFunc(out, func(a, b Wanted) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// Clone returns a copy that does not change when d does.
func (d *Desired) Clone() *Desired {
	c := &Desired{}
	for i := range d.slots {
		from, to := &d.slots[i], &c.slots[i]
		to.all = slices.Clone(from.all)
		to.byID = make(map[string][]rule, len(from.byID))
		for id, rules := range from.byID {
			to.byID[id] = slices.Clone(rules)
		}
	}
	return c
}

// Rules returns what is desired in words of targets, in seq order. Rules that a newer one covers are not among them.
func (d *Desired) Rules() []Rule {
	var out []Rule
	for i := range d.slots {
		f := &d.slots[i]
		for _, r := range f.all {
			out = append(out, Rule{Wanted: r.Wanted, Target: Target{Labels: r.labels}})
		}
		named := map[uint64]int{}
		for id, rules := range f.byID {
			for _, r := range rules {
				at, known := named[r.Seq]
				if !known {
					at = len(out)
					named[r.Seq] = at
					out = append(out, Rule{Wanted: r.Wanted, Target: Target{Labels: r.labels}})
				}
				out[at].Target.DriverIDs = append(out[at].Target.DriverIDs, id)
			}
		}
	}
	for _, r := range out {
		slices.Sort(r.Target.DriverIDs)
	}
	slices.SortFunc(out, func(a, b Rule) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}

// NewestPlayers returns the seq of the newest set_players, stop or reset that concerns t, or 0.
func (d *Desired) NewestPlayers(t Target) uint64 {
	var seq uint64
	s := &d.slots[PlayersSlot]
	for _, r := range s.all {
		if compatible(r.labels, t.Labels) {
			seq = max(seq, r.Seq)
		}
	}
	concerned := func(rules []rule) {
		for _, r := range rules {
			if compatible(r.labels, t.Labels) {
				seq = max(seq, r.Seq)
			}
		}
	}
	for _, id := range t.DriverIDs {
		concerned(s.byID[id])
	}
	if len(t.DriverIDs) == 0 {
		for _, rules := range s.byID {
			concerned(rules)
		}
	}
	return seq
}

// add drops the rules that r covers, so that memory is bounded by the distinct targets and not by the commands.
func (f *folded) add(r rule, ids []string) {
	covered := func(old rule) bool { return subset(r.labels, old.labels) }
	if len(ids) > 0 {
		if f.byID == nil {
			f.byID = map[string][]rule{}
		}
		for _, id := range ids {
			f.byID[id] = append(slices.DeleteFunc(f.byID[id], covered), r)
		}
		return
	}
	f.all = append(slices.DeleteFunc(f.all, covered), r)
	for id, rules := range f.byID {
		if rules = slices.DeleteFunc(rules, covered); len(rules) == 0 {
			delete(f.byID, id)
		} else {
			f.byID[id] = rules
		}
	}
}

func (f *folded) newest(id string, labels map[string]string) (w Wanted, ok bool) {
	for _, rules := range [][]rule{f.all, f.byID[id]} {
		for _, r := range rules {
			if r.Seq > w.Seq && subset(r.labels, labels) {
				w, ok = r.wanted(id), true
			}
		}
	}
	return w, ok
}

// Running reports whether load is desired of any driver.
func (d *Desired) Running() bool { return d.Loaded(Target{}) }

// Loaded reports whether load is desired of some driver that t could select.
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

// concerning returns the rules that may hold for one driver.
func (f *folded) concerning(id string) []rule {
	if len(f.byID[id]) == 0 {
		return f.all
	}
	return slices.Concat(f.all, f.byID[id])
}

// anyInForce reports whether one of the rules desires load of drivers with the labels, and no newer one covers it.
func anyInForce(rules []rule, labels map[string]string) bool {
	return slices.ContainsFunc(rules, func(r rule) bool {
		return r.load() && compatible(r.labels, labels) && !slices.ContainsFunc(rules, func(newer rule) bool {
			return newer.Seq > r.Seq && covers(newer.labels, r.labels, labels)
		})
	})
}

// covers reports whether a driver with the pairs of both a and b has those of newer for certain.
func covers(newer, a, b map[string]string) bool {
	for k, v := range newer {
		if a[k] != v && b[k] != v {
			return false
		}
		if _, ok := a[k]; !ok {
			if _, ok := b[k]; !ok {
				return false
			}
		}
	}
	return true
}

func (w Wanted) load() bool { return w.Command.Type == SetPlayers && w.Command.Players > 0 }
