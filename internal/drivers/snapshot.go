package drivers

import (
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// snapshot is the swarm at one moment, to be looked at without the lock.
type snapshot struct {
	desired *swarm.Desired // never changed again
	members []member       // known drivers, by id
	since   time.Time      // from when on a driver that is not among members may be running, because it was there before this process
	former  map[string]bool
	now     time.Time
	lease   time.Duration
}

// member is a known driver in a snapshot.
type member struct {
	state   swarm.DriverState
	lostAt  time.Time
	session *session
}

// snapshot is for those who have a turn.
func (r *Registry) snapshot() *snapshot {
	r.mu.Lock()
	now := time.Now()
	snap := &snapshot{desired: r.desiredNow(), since: r.startedAt, now: now, lease: r.cfg.LeaseTTL, members: r.members[:0]}
	if now.Sub(r.startedAt) < r.cfg.LeaseTTL { // else who is not known cannot be running
		snap.former = maps.Clone(r.former.left)
	}
	r.mu.Unlock()
	r.survey(now, func(seat *seat, state swarm.DriverState) {
		snap.members = append(snap.members, member{state, seat.lostAt, seat.session})
	})
	return snap
}

// giveBack lets the next snapshot have the memory of one.
func (r *Registry) giveBack(snap *snapshot) {
	clear(snap.members)
	r.members = snap.members
}

// survey shows the known drivers to do, by id. Now and then it gives the lock back: those who command must not wait until
// somebody has looked at a large swarm. So each driver is as it is when it is looked at. It is for those who have a turn.
func (r *Registry) survey(now time.Time, do func(*seat, swarm.DriverState)) {
	r.mu.Lock()
	everybody := r.everybody()
	r.mu.Unlock()
	for some := range slices.Chunk(everybody, lookAtOnce) {
		r.surveySome(some, now, do)
		runtime.Gosched()
	}
}

func (r *Registry) surveySome(seats []*seat, now time.Time, do func(*seat, swarm.DriverState)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, seat := range seats {
		if !r.forgotten(seat, now) {
			do(seat, r.stateOf(seat, now))
		}
	}
}

// desiredNow is a copy of the fold that is shared by all who look at it until the fold changes. The lock is held.
func (r *Registry) desiredNow() *swarm.Desired {
	if r.shown == nil {
		r.shown = r.cfg.Desired.Clone()
	}
	return r.shown
}

// everybody returns the seats by driver id. It is made again only after somebody came or was forgotten. The lock is held.
func (r *Registry) everybody() []*seat {
	if r.listed == nil {
		r.listed = make([]*seat, 0, len(r.seats))
		for _, seat := range r.seats {
			r.listed = append(r.listed, seat)
		}
		slices.SortFunc(r.listed, func(a, b *seat) int { return strings.Compare(a.id, b.id) })
	}
	return r.listed
}

// unconfirmed is how many players of a split belong to drivers that may be running them, and do not say so.
func (snap *snapshot) unconfirmed(parts map[string]int64) (n int64) {
	for id, part := range parts {
		at, known := slices.BinarySearchFunc(snap.members, id, func(m member, id string) int { return strings.Compare(m.session.id, id) })
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
