package drivers

import (
	"maps"
	"runtime"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Each node tells the others what has changed in its own members since a revision. A revision is a period between two
// calls of Changes, so that a change costs no more than storing the present one: heartbeats and acks take no lock for
// it.

// touch records that a member of this node has changed. The change must be visible already. A call of Changes that has
// passed the member in the meantime belongs to the revision that it has ended, so touch repeats with the next one.
func (r *Registry) touch(m *member) {
	for {
		revision := r.revision.Load()
		m.registration.revision.Store(revision)
		if r.revision.Load() == revision {
			return
		}
	}
}

// Changed gets an element after a driver of this node has joined, was lost, has left or is about to lose its session.
func (r *Registry) Changed() <-chan struct{} { return r.changed }

func (r *Registry) signal() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// Changes returns what has changed in this node's own drivers after a revision; for revision 0, or one that is too
// old, it returns all of them. What changes during the call may be in the result, and will be in that of the next call.
// The lock is released after every readAtOnce members, as survey does.
func (r *Registry) Changes(after uint64) swarm.RosterChanges {
	r.mu.Lock()
	now := time.Now()
	c := swarm.RosterChanges{From: after, To: r.revision.Add(1) - 1}
	c.Departed, c.Whole = r.departures.since(after)
	if c.Whole = c.Whole || after == 0 || after > c.To; c.Whole {
		c.From = 0
		c.Departed, _ = r.departures.since(0)
	}
	own := r.own()
	r.mu.Unlock()
	for some := range slices.Chunk(own, readAtOnce) {
		c.Present = r.presences(c.Present, some, now, c.From)
		runtime.Gosched()
	}
	return c
}

// presences adds those of some members of this node that have changed after a revision.
func (r *Registry) presences(
	out []swarm.Presence, some []*member, now time.Time, after uint64,
) []swarm.Presence {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range some {
		m := r.members[m.id] // the driver may have registered again since, or have left
		if m != nil && m.away == nil && (after == 0 || m.registration.revision.Load() > after) && !r.forgotten(m, now) {
			out = append(out, r.presenceOf(m, now))
		}
	}
	return out
}

// presenceOf describes a member of this node to the other nodes. The lock is held.
func (r *Registry) presenceOf(m *member, now time.Time) swarm.Presence {
	p := swarm.Presence{
		Driver: m.describe(now), Session: m.registration.Session, Instance: m.instance, Owner: m.owner,
		JoinedAt: m.registration.Position, Joined: m.registration.At, LostAt: m.lostAt, Retiring: m.retires(),
		AtRest: m.atRest,
	}
	p.State = r.stateOf(m, now)
	m.mu.Lock()
	defer m.mu.Unlock()
	p.HasReport, p.ReportedSeq, p.Refused = m.reported, m.reportedSeq, maps.Clone(m.refused)
	return p
}

// own returns the members whose home is this node, by driver id. The list is rebuilt only after a driver came or was
// forgotten. The lock is held.
func (r *Registry) own() []*member {
	if r.ownByID == nil {
		r.ownByID = make([]*member, 0, r.open)
		for _, m := range r.known() {
			if m.away == nil {
				r.ownByID = append(r.ownByID, m)
			}
		}
	}
	return r.ownByID
}

// maxDepartures bounds the drivers that a node can report as departed, about 200 bytes each. A node that has missed
// more receives all drivers instead.
const maxDepartures = 10_000

// departures are the drivers that departed lately from this node.
type departures struct {
	list    []departed // oldest first
	dropped uint64     // revision of the newest one that is not in the list any more
}

type departed struct {
	swarm.Departure
	revision uint64
	noted    time.Time
}

// depart records that a member of this node has deregistered, was forgotten, or has moved to another node. The lock is
// held.
func (r *Registry) depart(m *member, at time.Time, deregistered bool) {
	if !r.cfg.Shared {
		return
	}
	r.departures.add(departed{swarm.Departure{
		DriverID: m.id, Session: m.registration.Session, JoinedAt: m.registration.Position, Joined: m.registration.At,
		Labels: m.labels, At: at, Deregistered: deregistered,
	}, r.revision.Load(), time.Now()})
	r.signal()
}

func (d *departures) add(one departed) {
	d.list = append(d.list, one)
	for len(d.list) > maxDepartures {
		d.dropOldest()
	}
}

// trim forgets what was recorded at a time or earlier.
func (d *departures) trim(before time.Time) {
	for len(d.list) > 0 && !d.list[0].noted.After(before) {
		d.dropOldest()
	}
}

func (d *departures) dropOldest() {
	d.dropped = d.list[0].revision
	d.list = d.list[1:]
}

// since returns what departed after a revision; incomplete says that some of it is not known any more.
func (d *departures) since(after uint64) (out []swarm.Departure, incomplete bool) {
	for _, one := range d.list {
		if one.revision > after {
			out = append(out, one.Departure)
		}
	}
	return out, after < d.dropped
}
