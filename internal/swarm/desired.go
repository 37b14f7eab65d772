package swarm

import (
	"cmp"
	"slices"

	"github.com/swarmcall/swarmcall/command"
)

// Desired is the desired state of every driver, computed by folding the log. It also covers drivers that the log never
// named, because commands to labels are matched against the labels that a driver registers with. Of the commands that
// match a driver, the newest holds. A conditional command never replaces a newer load command of another submitter (see
// Condition).
//
// It is not safe for concurrent use; the registry guards it with its lock.
type Desired struct {
	slots [command.Slots]folded
	fixed map[string]uint64 // by driver: the newest load command that had it as a fixed target
}

// Wanted is one desired command and the seq it was issued under.
type Wanted struct {
	Seq     uint64
	Command Command
	Reset   bool // set by the server (a reset or expired record), not by a submitter

	OutsideSplit bool // of a total: the driver has no share, because it joined after the split
}

// Issue folds in one issued command. Seqs must increase.
func (d *Desired) Issue(i Issue) {
	slot := i.Command.Slot()
	r := &rule{Wanted: Wanted{Seq: i.Seq, Command: i.Command}, order: i.Seq, submitter: i.Submitter,
		labels: i.Target.Labels, first: firstOf(i.Target.Labels)}
	if slot == command.LoadSlot {
		r.condition = i.Condition // conditions concern load commands only
		d.fix(i)
	}
	if i.Command.Total {
		r.parts = make(map[string]int64, len(i.Targets))
		for at, id := range i.Targets[:min(len(i.Targets), len(i.Split))] {
			r.parts[id] = i.Split[at]
		}
	}
	d.slots[slot].add(r, i.Target.DriverIDs)
}

func (d *Desired) fix(i Issue) {
	if d.fixed == nil {
		d.fixed = map[string]uint64{}
	}
	for _, id := range i.Targets {
		d.fixed[id] = i.Seq
	}
}

// Reset folds in a reset record: Stop for all drivers.
func (d *Desired) Reset(seq uint64) {
	d.slots[command.LoadSlot].add(&rule{Wanted: Wanted{Seq: seq, Command: Command{Type: command.Stop}, Reset: true},
		order: seq}, nil)
}

// Expire folds in an expired record: a Stop for the same target replaces the load command. If the expired command is
// itself such a Stop, it is dropped.
func (d *Desired) Expire(seq uint64, e *Expired) {
	s := &d.slots[command.LoadSlot]
	if old := s.find(e.Replaced); old != nil && old.Reset {
		s.removeFor(e.Replaced, e.Target.DriverIDs)
		return
	}
	s.replace(e.Replaced, func(old *rule) *rule {
		r := *old
		r.Wanted, r.parts = Wanted{Seq: seq, Command: Command{Type: command.Stop}, Reset: true}, nil
		return &r
	}, e.Target.DriverIDs)
}

// For returns the desired commands of a driver, in seq order: at most one command per slot.
func (d *Desired) For(id string, labels map[string]string) []Wanted {
	both, n := d.both(id, labels)
	if n == 0 {
		return nil
	}
	return slices.Clone(both[:n])
}

// EachFor calls yield for each command that For would return.
func (d *Desired) EachFor(id string, labels map[string]string, yield func(Wanted)) {
	both, n := d.both(id, labels)
	for _, w := range both[:n] {
		yield(w)
	}
}

func (d *Desired) both(id string, labels map[string]string) (out [command.Slots]Wanted, n int) {
	for i := range d.slots {
		if r := d.slots[i].newest(id, labels); r != nil {
			out[n] = r.wanted(id)
			n++
		}
	}
	if n == int(command.Slots) && out[0].Seq > out[1].Seq {
		out[0], out[1] = out[1], out[0]
	}
	return out, n
}

// Load returns the load command that holds for a driver.
func (d *Desired) Load(id string, labels map[string]string) (w Wanted, ok bool) {
	if r := d.slots[command.LoadSlot].newest(id, labels); r != nil {
		return r.wanted(id), true
	}
	return Wanted{}, false
}

// InForce reports whether the fold still has the command with this seq.
func (d *Desired) InForce(slot command.Slot, seq uint64) bool { return d.slots[slot].find(seq) != nil }

// Holding returns the seq of the command of one slot that holds for a driver, 0 for none.
func (d *Desired) Holding(slot command.Slot, id string, labels map[string]string) uint64 {
	if r := d.slots[slot].newest(id, labels); r != nil {
		return r.Seq
	}
	return 0
}

// Blocked returns the order of the load command to which a submitter's conditional command would have to yield on a
// driver; 0 if the conditional command would hold.
func (d *Desired) Blocked(c *Condition, submitter, id string, labels map[string]string) uint64 {
	if c == nil {
		return 0
	}
	current := d.slots[command.LoadSlot].newest(id, labels)
	if (&rule{condition: c, submitter: submitter}).yieldsTo(current) {
		return current.order
	}
	return 0
}

// NewestLoad returns the order of the newest load command (set_players, stop or reset) that matches a driver or had it
// as a fixed target, whether or not it holds; 0 for none.
func (d *Desired) NewestLoad(id string, labels map[string]string) uint64 {
	return max(d.fixed[id], d.slots[command.LoadSlot].newestOrder(id, labels))
}

// Base returns the base of a load command; known is false if the fold no longer has the command.
func (d *Desired) Base(seq uint64, submitter string) (base uint64, known bool) {
	r := d.slots[command.LoadSlot].find(seq)
	switch {
	case r == nil:
		return 0, false
	case r.condition != nil && r.submitter == submitter && !r.Reset: // an expired command is the server's Stop now
		return r.condition.Base, true
	}
	return seq, true
}

// Splits returns the totals that are not completely covered by newer rules: for each seq, how many players each driver
// of its split is to run. Callers must not change the maps.
func (d *Desired) Splits() map[uint64]map[string]int64 {
	out := map[uint64]map[string]int64{}
	s := &d.slots[command.LoadSlot]
	if !s.anyTotal() {
		return out
	}
	for _, n := range s.named().inForce() {
		if n.Command.Total {
			out[n.Seq] = n.parts
		}
	}
	return out
}

// Clone returns a copy that does not change with d. It does not include the fixed targets.
func (d *Desired) Clone() *Desired {
	c := &Desired{}
	for i := range d.slots {
		c.slots[i] = d.slots[i].clone()
	}
	return c
}

// Rules returns the desired commands with their targets, in seq order, without rules that a newer one covers.
func (d *Desired) Rules() []Rule {
	var out []Rule
	for i := range d.slots {
		for _, n := range d.slots[i].named().inForce() {
			out = append(out, Rule{Wanted: n.Wanted, Target: n.target()})
		}
	}
	slices.SortFunc(out, func(a, b Rule) int { return cmp.Compare(a.Seq, b.Seq) })
	return out
}
