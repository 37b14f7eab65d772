package cmdlog

import (
	"fmt"
	"slices"
	"sync"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// index finds the records of entries by number, submitter, type and status. It holds no record itself.
type index struct {
	mu         sync.RWMutex
	rows       rows // in order of seq
	submitters []string
	numbers    map[string]uint32   // of submitters
	postings   [][]uint32          // by submitter: places in rows, rising
	late       map[uint64][]uint64 // seq → positions of late records
	logID      string
	epoch      uint64
}

// add takes in the record stored at pos. Positions rise.
func (x *index) add(pos uint64, r swarm.Record) {
	x.mu.Lock()
	defer x.mu.Unlock()
	switch r := r.(type) {
	case *swarm.Issued:
		n := x.number(r.Submitter)
		x.postings[n] = append(x.postings[n], uint32(x.rows.count))
		x.rows.add(row{issued: pos, submitter: n, kind: place(swarm.CommandTypes(), r.Command.Type), status: place(swarm.Statuses(), swarm.Pending)})
	case *swarm.Closed:
		if i, ok := x.find(r.Seq); ok && x.rows.at(i).closed == 0 {
			x.rows.at(i).closed, x.rows.at(i).status = pos, place(swarm.Statuses(), r.Status())
		}
	case *swarm.Late:
		if x.late == nil {
			x.late = map[uint64][]uint64{}
		}
		x.late[r.Seq] = append(x.late[r.Seq], pos)
	case *swarm.Reset:
		if r.LogID != "" {
			x.logID, x.epoch = r.LogID, r.Epoch
		}
	}
}

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
		x.postings = append(x.postings, nil)
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

// positions are where the records of one entry lie.
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
	x.mu.RLock()
	defer x.mu.RUnlock()
	var out []positions
	for i := range x.rows.count {
		if r := x.rows.at(i); r.closed == 0 {
			out = append(out, x.at(*r))
		}
	}
	return out
}

// page returns the entries that q selects, and whether there are more past the last of them.
func (x *index) page(q swarm.Query) (out []positions, more bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	count, nth := x.rows.count, func(i int) int { return i }
	if q.Submitter != "" {
		n, known := x.numbers[q.Submitter]
		if !known {
			return nil, false
		}
		list := x.postings[n]
		count, nth = len(list), func(i int) int { return int(list[i]) }
	}
	// low and high bound the places whose seq lies between After and Before.
	low := search(count, func(i int) bool { return x.rows.at(nth(i)).issued > q.After })
	high := count
	if q.Before > 0 {
		high = search(count, func(i int) bool { return x.rows.at(nth(i)).issued >= q.Before })
	}
	for i := low; i < high; i++ {
		at := i
		if !q.Ascending {
			at = high - 1 - (i - low)
		}
		r := *x.rows.at(nth(at))
		if !matches(r, q) {
			continue
		}
		if len(out) == q.Limit {
			return out, true
		}
		out = append(out, x.at(r))
	}
	return out, false
}

func matches(r row, q swarm.Query) bool {
	return (q.Type == "" || swarm.CommandTypes()[r.kind] == q.Type) && (q.Status == "" || swarm.Statuses()[r.status] == q.Status)
}

// search returns the first of n places for which ok holds, which holds for all places after it.
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
