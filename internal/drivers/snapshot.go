package drivers

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// snapshot is the state of the swarm at one moment, to be read without the lock.
type snapshot struct {
	desired *swarm.Desired                // never changed afterwards
	members []shown                       // known drivers, by id
	since   time.Time                     // when this process started: drivers that are not in members were there before
	former  map[string]swarm.Registration // those that deregistered
	now     time.Time
	lease   time.Duration
}

// shown is a known driver in a snapshot, with a copy of what the registry's lock guards.
type shown struct {
	*member
	state  swarm.DriverState
	lostAt time.Time
}

// snapshot copies the swarm. The caller has the turn, and returns the memory with giveBack.
func (r *Registry) snapshot() *snapshot {
	r.mu.Lock()
	now := time.Now()
	snap := &snapshot{
		desired: r.desiredNow(), since: r.startedAt, now: now, lease: r.cfg.LeaseTTL, members: r.spare[:0],
	}
	if now.Sub(r.startedAt) < r.cfg.LeaseTTL { // after that, a driver that is not known cannot be running
		snap.former = maps.Clone(r.former.left)
	}
	r.mu.Unlock()
	r.survey(now, func(m *member, state swarm.DriverState) {
		snap.members = append(snap.members, shown{m, state, m.lostAt})
	})
	return snap
}

// giveBack lets the next snapshot have the memory of this one.
func (r *Registry) giveBack(snap *snapshot) {
	clear(snap.members)
	r.spare = snap.members
}

// survey shows the known members to do, by id. It releases the lock after every readAtOnce members, so that a command
// does not wait for a reader of a large swarm. So each driver is shown as it is at the moment of its read. The caller
// has the turn.
func (r *Registry) survey(now time.Time, do func(*member, swarm.DriverState)) {
	r.mu.Lock()
	all := r.known()
	r.mu.Unlock()
	for some := range slices.Chunk(all, readAtOnce) {
		r.surveySome(some, now, do)
		runtime.Gosched()
	}
}

func (r *Registry) surveySome(some []*member, now time.Time, do func(*member, swarm.DriverState)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range some {
		m := r.members[m.id] // the driver may have registered again since, or have left
		if m != nil && !r.forgotten(m, now) {
			do(m, r.stateOf(m, now))
		}
	}
}

// desiredNow returns a copy of the fold, which all readers share until the fold changes. The lock is held.
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
		_, deregistered := snap.former[id]
		since := snap.since
		switch {
		case known && snap.members[at].state != swarm.Disconnected, !known && deregistered:
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
