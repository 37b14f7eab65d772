package plan

import (
	"maps"
	"slices"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
)

// participants are the drivers that the steps of a run have reached and that have not left it. One that deregisters
// leaves it: it runs no load, and the server tells it from one that is lost.
type participants struct {
	plan   *Plan
	all    map[string]*participant    // those that have left, too
	states map[string]api.DriverState // of the roster, when it was last seen in a hold
}

// participant is a driver that a step has reached.
type participant struct {
	in      bool      // it takes part
	reached int64     // the newest entry that has reached it
	silent  time.Time // since when a hold knows nothing of it; zero: it is heard
	missed  time.Time // since when steps have missed it; zero: it was there at the last one
	waited  bool      // a step has waited for it as long as it should
	excused bool      // it was said that it is missing
	awaited bool      // it was said that it is waited for
}

// afterAway is how long drivers get to come back after the server was away: their back-off goes up to 30 s.
const afterAway = 35 * time.Second

// join notes that an entry has reached drivers.
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

// drop has the run go on without drivers.
func (ps *participants) drop(ids ...string) {
	for _, id := range ids {
		if p := ps.all[id]; p != nil {
			p.in = false
		}
	}
}

// has tells a driver that takes part.
func (ps *participants) has(id string) bool { return ps.all[id] != nil && ps.all[id].in }

// ids are the drivers that take part, in order.
func (ps *participants) ids() (ids []string) {
	for _, id := range slices.Sorted(maps.Keys(ps.all)) {
		if ps.all[id].in {
			ids = append(ids, id)
		}
	}
	return ids
}

// absent are the drivers that are not active, and those of which the server does not know at all.
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

// reachedBy are the entries by which to ask for drivers: the newest that has reached each.
func (ps *participants) reachedBy(ids []string) (seqs []int64) {
	for _, id := range ids {
		if p := ps.all[id]; p != nil && !slices.Contains(seqs, p.reached) {
			seqs = append(seqs, p.reached)
		}
	}
	return seqs
}

// release drops the drivers that have deregistered, of those that the server does not have in its roster. It returns
// these and the others, which are lost.
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

// toWaitFor are the drivers to wait for before a step, of those that are not there, and until when. Each that is lost
// is waited for once, for so long since it was missed.
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
			p.missed, p.waited = time.Time{}, false // it is back, and may be lost again
		}
	}
	return ids, until
}

// waitedFor notes that a step has waited for drivers as long as it should.
func (ps *participants) waitedFor(ids []string) {
	for _, id := range ids {
		ps.all[id].waited = true
	}
}
