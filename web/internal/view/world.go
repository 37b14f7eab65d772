package view

import (
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// World is the input of a page: the roster and the newest commands at one moment. It must be Settled.
type World struct {
	Now     time.Time
	Drivers []swarm.Driver // by id
	Recent  []swarm.Entry  // newest first, at most RecentEntries
	LogErr  error          // why Recent could not be read
	Trouble string         // why the log accepts no commands; "" when it does

	Withdrawals []swarm.Stored // newest resets and expired commands, oldest first

	// drivers that may still run the load from before the server started, and have not reconnected yet
	NotBack []string
	Drifts  map[string]swarm.Drift  // the comparison of each driver with its desired state
	Samples []Sample                // players over time, oldest first
	Resumed bool                    // all Samples are from an earlier process
	Sparks  func(id string) []int64 // players of one driver over time, oldest first
	memo    *memo
	Events  func(id string) []SessionEvent // changes of a driver's sessions, newest first

	Progress func(swarm.Entry) swarm.Progress // progress of the drivers of an entry
	Reach    func(swarm.Target) swarm.Reach   // information about a target that no driver matches
}

// RecentEntries is how many commands a World holds.
const RecentEntries = 50

// Sample is the load of the swarm at one moment.
type Sample struct {
	At             time.Time
	Target, Actual int64
	Gap            bool // there is no data since the previous sample: the server did not run, or was paused
}

// SessionEvent is a change of a driver's session.
type SessionEvent struct {
	At    time.Time
	State swarm.DriverState
	What  string
}

// entry returns the recent entry seq.
func (w World) entry(seq uint64) (swarm.Entry, bool) {
	i, ok := slices.BinarySearchFunc(w.Recent, seq, func(e swarm.Entry, seq uint64) int {
		switch {
		case e.Seq > seq: // newest first
			return -1
		case e.Seq < seq:
			return 1
		default:
			return 0
		}
	})
	if !ok {
		return swarm.Entry{}, false
	}
	return w.Recent[i], true
}

// index returns the index of a driver in Drivers.
func (w World) index(id string) (int, bool) {
	byID := func(d swarm.Driver, id string) int { return strings.Compare(d.ID, id) }
	return slices.BinarySearchFunc(w.Drivers, id, byID)
}

// driver returns a driver by id.
func (w World) driver(id string) (swarm.Driver, bool) {
	i, ok := w.index(id)
	if !ok {
		return swarm.Driver{}, false
	}
	return w.Drivers[i], true
}

// verdict returns the verdict of e for a driver; ok is false if the driver was not a target, or e is open.
func verdict(e swarm.Entry, id string) (v swarm.Verdict, ok bool) {
	i, targeted := slices.BinarySearch(e.Issued.Targets, id)
	if !targeted || e.Closed == nil || i >= len(e.Closed.Verdicts) {
		return swarm.Verdict{}, false
	}
	return e.Closed.Verdicts[i], true
}

// answered counts the targets of an open entry that have answered so far.
func (w World) answered(e swarm.Entry) int {
	n := 0
	for _, id := range e.Issued.Targets {
		if w.answer(e, id).Kind != swarm.Undecided {
			n++
		}
	}
	return n
}

// answer is the answer of a target of an open entry so far, derived from the roster: a driver that answered a later
// command has also answered this one.
func (w World) answer(e swarm.Entry, id string) swarm.Verdict {
	d, ok := w.driver(id)
	if !ok || d.LastAck == nil || d.LastAck.Seq < e.Seq {
		return swarm.Verdict{}
	}
	v := swarm.Verdict{Kind: swarm.Acked}
	if d.AppliedSeq < e.Seq {
		v.Kind, v.Code = swarm.Rejected, "rejected"
	}
	if d.LastAck.Seq == e.Seq {
		v.Latency = d.LastAck.Latency
	}
	return v
}
