package drivers

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// maxFormer bounds the drivers that are remembered after they have left, about 300 bytes each.
const maxFormer = 100_000

// former remembers drivers that were connected: their labels, for a while, and which of them have deregistered and not
// returned. A Stop for labels of drivers that have left has nothing to stop, and a deregistered driver is not reported
// as missing. A driver that registers with other labels counts as left under its old ones.
type former struct {
	had     map[string]swarm.Former       // by id and labels
	order   []leaving                     // of had, oldest first; an element is void if had has another time for it
	left    map[string]swarm.Registration // ids that have deregistered; zero for one of an earlier process
	leaves  []string                      // of left, oldest first; may include ids that have returned
	changed chan struct{}                 // has an element when a driver has deregistered
}

type leaving struct {
	key string
	at  time.Time
}

func newFormer(drivers []swarm.Former) former {
	f := former{had: map[string]swarm.Former{}, left: map[string]swarm.Registration{}, changed: make(chan struct{}, 1)}
	for _, d := range slices.SortedFunc(slices.Values(drivers),
		func(a, b swarm.Former) int { return a.At.Compare(b.At) }) {
		f.add(d)
	}
	return f
}

func (f *former) add(d swarm.Former) {
	key := formerKey(d)
	f.had[key] = d
	f.order = append(f.order, leaving{key, d.At})
	for len(f.order) > maxFormer {
		f.dropOldest()
	}
	if !d.Deregistered {
		f.back(d.ID)
	}
	if d.Deregistered && !f.deregistered(d.ID) {
		f.left[d.ID] = swarm.Registration{}
		f.leaves = append(f.leaves, d.ID)
		for len(f.leaves) > maxFormer {
			delete(f.left, f.leaves[0])
			f.leaves = f.leaves[1:]
		}
	}
}

// deregister records that a driver has deregistered, and which registration that ended.
func (f *former) deregister(d swarm.Former, ended swarm.Registration) {
	d.Deregistered = true
	f.add(d)
	f.left[d.ID] = ended
	f.signal()
}

func formerKey(d swarm.Former) string {
	key := d.ID
	for _, k := range slices.Sorted(maps.Keys(d.Labels)) {
		key += "\x00" + k + "=" + d.Labels[k]
	}
	return key
}

func (f *former) signal() {
	select {
	case f.changed <- struct{}{}:
	default:
	}
}

// back records that a driver has returned.
func (f *former) back(id string) { delete(f.left, id) }

func (f *former) deregistered(id string) bool {
	_, left := f.left[id]
	return left
}

// trim forgets the labels of drivers that left at a time or earlier.
func (f *former) trim(before time.Time) {
	for len(f.order) > 0 && !f.order[0].at.After(before) {
		f.dropOldest()
	}
}

func (f *former) dropOldest() {
	oldest := f.order[0]
	f.order = f.order[1:]
	if d, ok := f.had[oldest.key]; ok && d.At.Equal(oldest.at) {
		delete(f.had, oldest.key)
	}
}

func (f *former) matches(t swarm.Target) bool {
	for _, d := range f.had {
		if t.Matches(d.ID, d.Labels) {
			return true
		}
	}
	return false
}

// Remembered returns the known drivers and those that left recently, sorted by driver id. The next process should
// receive it as Past.Drivers.
func (r *Registry) Remembered() []swarm.Former {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	var out []swarm.Former
	for _, d := range r.former.had {
		if r.members[d.ID] == nil {
			out = append(out, d)
		}
	}
	for id, m := range r.members {
		d := swarm.Former{ID: id, Labels: m.labels, At: now, Owner: m.owner}
		if !m.open() {
			d.At = m.lostAt
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b swarm.Former) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// Left gets an element after drivers have deregistered.
func (r *Registry) Left() <-chan struct{} { return r.former.changed }
