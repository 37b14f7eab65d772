package cluster

import (
	"cmp"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// debts are the verdicts that this node still owes the owners of rounds. It is pure: it has no lock and no clock.
type debts struct {
	owners map[string]*debt
	count  int // verdicts in all
	most   int // that are kept
}

// debt is what one owner is owed.
type debt struct {
	rounds map[uint64]*owed
	order  []*owed // of rounds, by their first verdict; some may be settled
	fresh  int     // verdicts since the last batch
}

// owed are the verdicts of one round, in the order in which they came. They are sent in that order: a later one waits
// while an earlier one is sent again.
type owed struct {
	seq      uint64
	verdicts []swarm.NodeVerdict
	due      time.Time // not before
	settled  bool      // nothing is owed any more
}

// batch is one request to an owner.
type batch struct {
	verdicts []swarm.NodeVerdict
	of       []taken
}

type taken struct {
	*owed
	count int
}

// add adds a verdict. It returns how many verdicts of the oldest rounds had to be dropped, for want of room.
func (d *debts) add(owner string, v swarm.NodeVerdict) (dropped int) {
	if d.count >= d.most {
		oldest, count := d.evict()
		if dropped = count; v.Seq <= oldest {
			return dropped + 1
		}
	}
	to := d.owners[owner]
	if to == nil {
		to = &debt{rounds: map[uint64]*owed{}}
		d.owners[owner] = to
	}
	o := to.rounds[v.Seq]
	if o == nil {
		o = &owed{seq: v.Seq}
		to.rounds[v.Seq] = o
		to.order = append(to.order, o)
	}
	o.verdicts = append(o.verdicts, v)
	to.fresh++
	d.count++
	return dropped
}

// evict drops the verdicts of the oldest rounds, until a tenth of the room is free. Their owner counts the drivers as
// missing at the deadline, and the oldest rounds are nearest to it. It returns the newest of these rounds.
func (d *debts) evict() (newest uint64, dropped int) {
	var seqs []uint64
	for _, to := range d.owners {
		for seq := range to.rounds {
			seqs = append(seqs, seq)
		}
	}
	slices.Sort(seqs)
	before := d.count
	for _, seq := range slices.Compact(seqs) {
		if d.count <= d.most-d.most/10 {
			break
		}
		d.closed(seq)
		newest = seq
	}
	return newest, before - d.count
}

// closed drops the verdicts of a round.
func (d *debts) closed(seq uint64) {
	for _, to := range d.owners {
		if o := to.rounds[seq]; o != nil {
			d.settle(to, o)
		}
	}
}

// forget drops everything that an owner is owed.
func (d *debts) forget(owner string) {
	to := d.owners[owner]
	if to == nil {
		return
	}
	for _, o := range to.rounds {
		d.settle(to, o)
	}
	to.order = nil
}

func (d *debts) settle(to *debt, o *owed) {
	d.count -= len(o.verdicts)
	o.settled, o.verdicts = true, nil
	delete(to.rounds, o.seq)
}

// next returns the verdicts that are due to an owner, and when others are; zero: nothing else is owed.
func (d *debts) next(owner string, now time.Time) (b batch, due time.Time) {
	to := d.owners[owner]
	if to == nil {
		return b, due
	}
	to.order = slices.DeleteFunc(to.order, func(o *owed) bool { return o.settled })
	to.fresh = 0
	for _, o := range to.order {
		if o.due.After(now) {
			if due.IsZero() || o.due.Before(due) {
				due = o.due
			}
			continue
		}
		if n := min(len(o.verdicts), maxBatch-len(b.verdicts)); n > 0 {
			b.verdicts = append(b.verdicts, o.verdicts[:n]...)
			b.of = append(b.of, taken{o, n})
		}
	}
	return b, due
}

// shorten leaves only the first verdicts in a batch.
func (b *batch) shorten(count int) {
	b.verdicts = b.verdicts[:count]
	for i := range b.of {
		b.of[i].count = min(b.of[i].count, count)
		count -= b.of[i].count
	}
	b.of = slices.DeleteFunc(b.of, func(t taken) bool { return t.count == 0 })
}

// confirmed drops the verdicts of a batch, except those of rounds that the owner does not have yet: these are due
// later.
func (d *debts) confirmed(owner string, b batch, notYet []uint64, later time.Time) {
	for _, t := range b.of {
		switch to := d.owners[owner]; {
		case t.settled:
		case slices.Contains(notYet, t.seq):
			t.due = later
		case t.count == len(t.verdicts):
			d.settle(to, t.owed)
		default:
			t.verdicts = t.verdicts[t.count:]
			d.count -= t.count
		}
	}
}

// failed makes a batch due later.
func (d *debts) failed(b batch, later time.Time) {
	for _, t := range b.of {
		t.due = later
	}
}

// list names the owners that are owed something, sorted.
func (d *debts) list() (owners []string) {
	for name, to := range d.owners {
		if len(to.rounds) > 0 {
			owners = append(owners, name)
		}
	}
	slices.SortFunc(owners, cmp.Compare)
	return owners
}
