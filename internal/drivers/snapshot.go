package drivers

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// snapshot is the state of the swarm at one moment, to be read without the lock.
type snapshot struct {
	desired *swarm.Desired // never changed afterwards
	members []shown        // known drivers, by id
	since   time.Time      // when this process started: drivers that are not in members were there before
	former  map[string]bool
	now     time.Time
	lease   time.Duration
}

// shown is a known driver in a snapshot, with a copy of what the registry's lock guards.
type shown struct {
	*member
	state  swarm.DriverState
	lostAt time.Time
}

func (r *Registry) snapshot() *snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	snap := &snapshot{
		desired: r.desiredNow(), since: r.startedAt, now: now, lease: r.cfg.LeaseTTL,
		members: make([]shown, 0, len(r.members)),
	}
	for _, m := range r.known() {
		if !r.forgotten(m, now) {
			snap.members = append(snap.members, shown{m, r.stateOf(m, now), m.lostAt})
		}
	}
	if now.Sub(r.startedAt) < r.cfg.LeaseTTL { // before that, drivers that are not known may still be running
		snap.former = maps.Clone(r.former.left)
	}
	return snap
}

// desiredNow returns a copy of the fold that all readers share until the fold changes. The lock is held.
func (r *Registry) desiredNow() *swarm.Desired {
	if r.shown == nil {
		r.shown = r.desired.Clone()
	}
	return r.shown
}

// known returns the members by driver id. The list is rebuilt only after a driver came or was forgotten. The lock is
// held.
func (r *Registry) known() []*member {
	if r.byID == nil {
		byID := func(a, b *member) int { return strings.Compare(a.id, b.id) }
		r.byID = slices.SortedFunc(maps.Values(r.members), byID)
	}
	return r.byID
}

// unconfirmed returns how many players of a split belong to drivers that may be running them without reporting so.
func (snap *snapshot) unconfirmed(parts map[string]int64) (n int64) {
	for id, part := range parts {
		at, known := slices.BinarySearchFunc(snap.members, id,
			func(m shown, id string) int { return strings.Compare(m.id, id) })
		since := snap.since
		switch {
		case known && snap.members[at].state != swarm.Disconnected, !known && snap.former[id]:
			continue
		case known:
			since = snap.members[at].lostAt
		}
		if snap.now.Sub(since) < snap.lease {
			n += part
		}
	}
	return n
}
