package cmdlog

import (
	"slices"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// history contains the positions of each submitter's records, for readers that want only one submitter. Positions fit
// into 32 bits: a log with more records is over a terabyte, and rows count entries the same way.
type history struct {
	of     [][]uint32   // by submitter: positions, increasing
	common []uint32     // of records that belong to no command
	absent []swarm.Span // positions that have no record, because a loss was accepted
	last   uint64
}

// add notes that a record of a submitter is at pos. Positions increase.
func (h *history) add(submitter uint32, pos uint64) {
	h.of[submitter] = append(h.of[submitter], uint32(pos))
}

// addCommon is like add, for a record that belongs to no command.
func (h *history) addCommon(pos uint64) { h.common = append(h.common, uint32(pos)) }

// reached notes that the log continues at pos.
func (h *history) reached(pos uint64) {
	if h.last > 0 && pos > h.last+1 {
		h.absent = append(h.absent, swarm.Span{From: h.last + 1, To: pos - 1})
	}
	h.last = pos
}

// page returns the first positions that q selects; own are the positions of its submitter.
func (h *history) page(own []uint32, q swarm.EventQuery) (out []uint64) {
	lists := [][]uint32{own}
	if q.Common {
		lists = append(lists, h.common)
	}
	var m merged
	for _, list := range lists {
		from, _ := slices.BinarySearchFunc(list, q.After+1, compareWide)
		to, _ := slices.BinarySearchFunc(list, q.UpTo+1, compareWide)
		if from < to {
			m = append(m, list[from:to])
		}
	}
	for len(out) < q.Limit {
		pos, ok := m.next(false)
		if !ok {
			break
		}
		out = append(out, uint64(pos))
	}
	return out
}

func compareWide(pos uint32, bound uint64) int {
	switch wide := uint64(pos); {
	case wide < bound:
		return -1
	case wide > bound:
		return 1
	}
	return 0
}

// holes returns the absent positions from after+1 to upTo.
func (h *history) holes(after, upTo uint64) (out []swarm.Span) {
	for _, s := range h.absent {
		if s.To > after && s.From <= upTo {
			out = append(out, swarm.Span{From: max(s.From, after+1), To: min(s.To, upTo)})
		}
	}
	return out
}
