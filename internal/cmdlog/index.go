package cmdlog

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// index finds the records of entries by number, submitter, type and status. It holds no record itself. No call examines
// more than it returns, so readers never delay an append.
type index struct {
	mu         sync.RWMutex
	rows       rows // in order of seq
	submitters []string
	numbers    map[string]uint32   // of submitters
	all        postings            // of every entry
	by         []postings          // by submitter
	late       map[uint64][]uint64 // seq → positions of late records
	history    history
	logID      string
	epoch      uint64
}

// add indexes the record stored at pos. Positions increase.
func (x *index) add(pos uint64, r swarm.Record) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.history.reached(pos)
	switch r := r.(type) {
	case *swarm.Issued:
		x.issued(pos, r)
	case *swarm.Closed:
		if i, ok := x.belongs(r.Seq, pos); ok && x.rows.at(i).closed == 0 {
			x.closed(i, pos, place(swarm.Statuses(), r.Status()))
		}
	case *swarm.Late:
		if x.late == nil {
			x.late = map[uint64][]uint64{}
		}
		x.late[r.Seq] = append(x.late[r.Seq], pos)
		x.belongs(r.Seq, pos)
	case *swarm.Reset:
		x.history.addCommon(pos)
		if r.LogID != "" {
			x.logID, x.epoch = r.LogID, r.Epoch
		}
	default:
		x.history.addCommon(pos)
	}
}

func (x *index) issued(pos uint64, r *swarm.Issued) {
	v := row{
		issued: pos, submitter: x.number(r.Submitter), kind: place(command.Types(), r.Command.Type), status: pending,
	}
	at := uint32(x.rows.count)
	x.rows.add(v)
	x.all.add(v.kind, v.status, at)
	x.by[v.submitter].add(v.kind, v.status, at)
	x.history.add(v.submitter, pos)
}

func (x *index) closed(at int, pos uint64, status uint8) {
	v := x.rows.at(at)
	x.all.move(v.kind, v.status, status, uint32(at))
	x.by[v.submitter].move(v.kind, v.status, status, uint32(at))
	v.closed, v.status = pos, status
}

// belongs notes that the record at pos belongs to the entry seq, and returns the index of that entry.
func (x *index) belongs(seq, pos uint64) (at int, ok bool) {
	if at, ok = x.find(seq); ok {
		x.history.add(x.rows.at(at).submitter, pos)
	} else {
		x.history.addCommon(pos)
	}
	return at, ok
}

// pending is the index of swarm.Pending in swarm.Statuses.
var pending = place(swarm.Statuses(), swarm.Pending)

func place[T comparable](all []T, v T) uint8 {
	return uint8(slices.Index(all, v))
}

func (x *index) number(submitter string) uint32 {
	n, ok := x.numbers[submitter]
	if !ok {
		if x.numbers == nil {
			x.numbers = map[string]uint32{}
		}
		n = uint32(len(x.submitters))
		x.numbers[submitter] = n
		x.submitters = append(x.submitters, submitter)
		x.by = append(x.by, nil)
		x.history.of = append(x.history.of, nil)
	}
	return n
}

func (x *index) find(seq uint64) (int, bool) {
	i := search(x.rows.count, func(i int) bool { return x.rows.at(i).issued >= seq })
	return i, i < x.rows.count && x.rows.at(i).issued == seq
}

func (x *index) name() string {
	id, epoch := x.identity()
	return fmt.Sprintf("%s.%d", id, epoch)
}

func (x *index) identity() (id string, epoch uint64) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.logID, x.epoch
}

// positions are the positions of the records of one entry.
type positions struct {
	issued, closed uint64
	late           []uint64
}

func (x *index) at(r row) positions {
	return positions{r.issued, r.closed, slices.Clone(x.late[r.issued])}
}

func (x *index) entry(seq uint64) (positions, bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	i, ok := x.find(seq)
	if !ok {
		return positions{}, false
	}
	return x.at(*x.rows.at(i)), true
}

func (x *index) open() []positions {
	out, _ := x.page(swarm.Query{Status: swarm.Pending, Ascending: true, Limit: math.MaxInt})
	return out
}

// page returns the entries that q selects, and whether there are more after them.
func (x *index) page(q swarm.Query) (out []positions, more bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	lists := x.all
	if q.Submitter != "" {
		n, known := x.numbers[q.Submitter]
		if !known {
			return nil, false
		}
		lists = x.by[n]
	}
	// low and high bound the rows whose seq is between After and Before.
	low := search(x.rows.count, func(i int) bool { return x.rows.at(i).issued > q.After })
	high := x.rows.count
	if q.Before > 0 {
		high = search(x.rows.count, func(i int) bool { return x.rows.at(i).issued >= q.Before })
	}
	found := lists.within(uint32(low), uint32(high), func(l *posting) bool { return matches(l, q) })
	for {
		at, ok := found.next(!q.Ascending)
		if !ok || len(out) == q.Limit {
			return out, ok
		}
		out = append(out, x.at(*x.rows.at(int(at))))
	}
}

func matches(l *posting, q swarm.Query) bool {
	return (q.Type == "" || command.Types()[l.kind] == q.Type) &&
		(q.Status == "" || swarm.Statuses()[l.status] == q.Status)
}

// recordsOf returns the positions of the first records that q selects.
func (x *index) recordsOf(q swarm.EventQuery) []uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	n, known := x.numbers[q.Submitter]
	if !known {
		return x.history.page(nil, q)
	}
	return x.history.page(x.history.of[n], q)
}

func (x *index) holes(after, upTo uint64) []swarm.Span {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.history.holes(after, upTo)
}

// search returns the smallest i below n for which ok holds, or n. If ok holds for an i, it must hold for all larger
// ones.
func search(n int, ok func(int) bool) int {
	low, high := 0, n
	for low < high {
		if mid := (low + high) / 2; ok(mid) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low
}
