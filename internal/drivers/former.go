package drivers

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// maxFormer bounds the drivers that are remembered after they left, about 300 bytes each.
const maxFormer = 100_000

// former remembers drivers that are not known any more: they have deregistered, or a process before this one knew them. A Stop for
// them has nothing to stop, and they are not missed.
type former struct {
	byID    map[string]swarm.Former
	order   []leaving     // oldest first; an entry that byID does not have with the same time is void
	changed chan struct{} // has an element when a driver has deregistered
}

type leaving struct {
	id string
	at time.Time
}

func newFormer(drivers []swarm.Former) former {
	f := former{byID: map[string]swarm.Former{}, changed: make(chan struct{}, 1)}
	for _, d := range slices.SortedFunc(slices.Values(drivers), func(a, b swarm.Former) int { return a.At.Compare(b.At) }) {
		f.add(d)
	}
	return f
}

func (f *former) add(d swarm.Former) {
	f.byID[d.ID] = d
	f.order = append(f.order, leaving{d.ID, d.At})
	for len(f.byID) > maxFormer {
		f.dropOldest()
	}
}

func (f *former) signal() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

func (f *former) forget(id string) { delete(f.byID, id) }

func (f *former) deregistered(id string) bool { return f.byID[id].Deregistered }

// trim forgets those that left at a time or before it.
func (f *former) trim(before time.Time) {
	for len(f.order) > 0 && !f.order[0].at.After(before) {
		f.dropOldest()
	}
}

func (f *former) dropOldest() {
	oldest := f.order[0]
	f.order = f.order[1:]
	if d, ok := f.byID[oldest.id]; ok && d.At.Equal(oldest.at) {
		delete(f.byID, oldest.id)
	}
}

func (f *former) matches(t swarm.Target) bool {
	for id, d := range f.byID {
		if t.Matches(id, d.Labels) {
			return true
		}
	}
	return false
}

// Remembered returns the known drivers and those that have left not long ago, sorted by driver id: what a process after this one
// should be told as Config.Former.
func (r *Registry) Remembered() []swarm.Former {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	out := slices.Collect(maps.Values(r.former.byID))
	for id, seat := range r.seats {
		d := swarm.Former{ID: id, Labels: seat.session.labels, At: now}
		if !seat.open() {
			d.At = seat.lostAt
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b swarm.Former) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Left gets an element after drivers have deregistered.
func (r *Registry) Left() <-chan struct{} { return r.former.changed }
