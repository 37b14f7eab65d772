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
}

// folded is one slot: the rules that no newer rule covers.
type folded struct {
	all  []rule            // for every driver that has the labels, in seq order
	byID map[string][]rule // for one driver, if it has the labels, in seq order
}

// Issue folds one issued command in. Seqs must rise.
func (d *Desired) Issue(seq uint64, c Command, t Target) {
	d.slots[c.Slot()].add(rule{Wanted{Seq: seq, Command: c}, t.Labels}, t.DriverIDs)
}

// Reset folds a reset record in: Stop for all.
func (d *Desired) Reset(seq uint64) {
	d.slots[PlayersSlot].add(rule{Wanted{Seq: seq, Command: Command{Type: Stop}, Reset: true}, nil}, nil)
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
				w, ok = r.Wanted, true
			}
		}
	}
	return w, ok
}

// Running reports whether load is desired of any driver.
func (d *Desired) Running() bool {
	s := &d.slots[PlayersSlot]
	running := func(r rule) bool { return r.Command.Type != Stop }
	if slices.ContainsFunc(s.all, running) {
		return true
	}
	for _, rules := range s.byID {
		if slices.ContainsFunc(rules, running) {
			return true
		}
	}
	return false
}
