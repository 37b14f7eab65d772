package logfile

import (
	"fmt"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Invariants checks the records against the contract: an outcome follows its command, occurs once, and has exactly one
// verdict per target. Its memory is bounded by the entries that are open at one time.
type Invariants struct {
	Entries, Closed int // seen so far

	open   map[uint64]int // entries without outcome: how many targets they have
	broken []violation
}

type violation struct {
	DamagedError
	of uint64 // the entry concerned
}

// Take checks the next record.
func (v *Invariants) Take(s Stored) {
	switch r := s.Record.(type) {
	case *swarm.Issued:
		v.Entries++
		if v.open == nil {
			v.open = map[uint64]int{}
		}
		v.open[s.Position] = len(r.Targets)
	case *swarm.Closed:
		v.Closed++
		targets, open := v.open[r.Seq]
		delete(v.open, r.Seq)
		switch n := (swarm.Entry{Issued: &swarm.Issued{}, Closed: r}).Counts(); {
		case !open:
			v.add(s, r.Seq, fmt.Sprintf("it closes entry %d, which is not open: it was never issued, or is closed "+
				"already", r.Seq))
		case n.Acked+n.Rejected+n.Superseded+n.Missing != targets:
			v.add(s, r.Seq, fmt.Sprintf("entry %d has %d targets, but %d acked, %d rejected, %d superseded and %d "+
				"missing",
				r.Seq, targets, n.Acked, n.Rejected, n.Superseded, n.Missing))
		}
	case *swarm.Late:
		if _, open := v.open[r.Seq]; open || r.Seq >= s.Position {
			v.add(s, r.Seq, fmt.Sprintf("it has late answers to entry %d, which is not closed yet", r.Seq))
		}
	}
}

func (v *Invariants) add(s Stored, of uint64, what string) {
	v.broken = append(v.broken, violation{DamagedError{Position: s.Position, To: s.Position, File: s.File,
		Offset: s.Offset, What: what}, of})
}

// Broken returns the violations, except those that an accepted loss explains.
func (v *Invariants) Broken(lost []swarm.Span) []*DamagedError {
	var out []*DamagedError
	for i := range v.broken {
		b := &v.broken[i]
		explained := false
		for _, s := range lost {
			explained = explained || s.From < b.Position && s.To >= b.of
		}
		if !explained {
			out = append(out, &b.DamagedError)
		}
	}
	return out
}
