package plan

import (
	"maps"
	"slices"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
)

// participants are the drivers that the steps of a run have reached and that still take part. A driver that deregisters
// no longer takes part: it runs no load, and the server can distinguish it from a lost one.
type participants struct {
	plan   *Plan
	all    map[string]*participant    // includes those that no longer take part
	states map[string]api.DriverState // from the roster, when a hold last read it
}

// participant is a driver that a step has reached.
type participant struct {
	in      bool      // it takes part
	reached int64     // the newest entry that has reached it
	silent  time.Time // since when it is silent in a hold; zero: it is not
	missed  time.Time // since when steps have missed it; zero: it was connected at the last one
	waited  bool      // a step has waited for it for the full time
	excused bool      // it was reported as missing
	awaited bool      // it was reported that the hold waits for it
}

// afterAway is how long drivers may take to reconnect after the server was unavailable: their back-off is up to 30 s.
const afterAway = 35 * time.Second

// join records that an entry has reached drivers.
func (ps *participants) join(seq int64, ids map[string]bool) {
	for id := range ids {
		p := ps.all[id]
		if p == nil {
			p = &participant{}
			ps.all[id] = p
		}
		p.in, p.reached, p.silent = true, seq, time.Time{}
	}
}

// drop removes drivers from the run.
func (ps *participants) drop(ids ...string) {
	for _, id := range ids {
		if p := ps.all[id]; p != nil {
			p.in = false
		}
	}
}

// has reports whether a driver takes part.
func (ps *participants) has(id string) bool { return ps.all[id] != nil && ps.all[id].in }

// ids returns the drivers that take part, in order.
func (ps *participants) ids() (ids []string) {
	for _, id := range slices.Sorted(maps.Keys(ps.all)) {
		if ps.all[id].in {
			ids = append(ids, id)
		}
	}
	return ids
}

// absent returns the drivers that are not active, and those that the server does not know.
func (ps *participants) absent(states map[string]api.DriverState) (inactive, unknown []string) {
	for _, id := range ps.ids() {
		state, known := states[id]
		switch {
		case !known:
			unknown = append(unknown, id)
		case state != api.DriverStateActive:
			inactive = append(inactive, id)
		}
	}
	return inactive, unknown
}

// reachedBy returns the entries that can be asked about drivers: the newest that has reached each.
func (ps *participants) reachedBy(ids []string) (seqs []int64) {
	for _, id := range ids {
		if p := ps.all[id]; p != nil && !slices.Contains(seqs, p.reached) {
			seqs = append(seqs, p.reached)
		}
	}
	return seqs
}

// release drops the drivers that have deregistered from those that are not in the server's roster. It returns these and
// the others, which are lost.
func (ps *participants) release(absent []string, deregistered map[string]bool) (left, lost []string) {
	for _, id := range absent {
		if !deregistered[id] {
			lost = append(lost, id)
			continue
		}
		left = append(left, id)
		ps.drop(id)
		if p := ps.all[id]; p != nil {
			p.silent = time.Time{}
		}
	}
	return left, lost
}

// toWaitFor returns the lost drivers to wait for before a step, and until when. A step waits once for each lost driver,
// counted from when it was first missed.
func (ps *participants) toWaitFor(now time.Time, limit time.Duration, absent []string) (ids []string, until time.Time) {
	missed := map[string]bool{}
	for _, id := range absent {
		p := ps.all[id]
		missed[id] = true
		switch {
		case !p.silent.IsZero():
			p.missed = p.silent // a hold has missed it before
		case p.missed.IsZero():
			p.missed = now
		}
		if p.waited {
			continue
		}
		ids = append(ids, id)
		if by := p.missed.Add(limit); by.After(until) {
			until = by
		}
	}
	for id, p := range ps.all {
		if !missed[id] {
			p.missed, p.waited = time.Time{}, false // it has reconnected, and may be lost again
		}
	}
	return ids, until
}

// waitedFor records that a step has waited for drivers for the full time.
func (ps *participants) waitedFor(ids []string) {
	for _, id := range ids {
		ps.all[id].waited = true
	}
}
