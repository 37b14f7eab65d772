package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Drivers returns all known drivers, by driver id.
func (r *Registry) Drivers() []swarm.Driver { return r.Roster(swarm.RosterQuery{}).Drivers }

// Roster returns a page of the known drivers. Under the lock it only checks each driver's state and copies the returned
// items.
func (r *Registry) Roster(q swarm.RosterQuery) (out swarm.Roster) {
	defer r.readers.begin()()
	now := time.Now()
	byLabels := swarm.Target{Labels: q.Labels}
	r.survey(now, func(m *member, state swarm.DriverState) {
		switch state {
		case swarm.Active:
			out.Active++
		case swarm.Stale:
			out.Stale++
		case swarm.Disconnected:
			out.Disconnected++
		}
		switch {
		case out.More, q.None, m.id <= q.After, q.State != "" && q.State != state, !byLabels.Matches(m.id, m.labels):
		case q.Limit > 0 && len(out.Drivers) == q.Limit:
			out.More = true
		default:
			d := m.describe(now)
			d.State = state
			out.Drivers = append(out.Drivers, d)
		}
	})
	return out
}

// Driver returns one known driver.
func (r *Registry) Driver(id string) (swarm.Driver, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m, now := r.members[id], time.Now()
	if m == nil || r.forgotten(m, now) {
		return swarm.Driver{}, false
	}
	d := m.describe(now)
	d.State = r.stateOf(m, now)
	return d, true
}

func (r *Registry) stateOf(m *member, now time.Time) swarm.DriverState {
	switch {
	case !m.open():
		return swarm.Disconnected
	case r.responds(m, r.attended(now)):
		return swarm.Active
	default:
		return swarm.Stale
	}
}

// responds reports whether the heartbeats of an open member are on time, and its node is heard. now is the attended
// time. The lock is held.
func (r *Registry) responds(m *member, now time.Time) bool {
	if m.away != nil {
		return !m.away.stale && !r.rosters.silent[m.away.node.Name]
	}
	return m.session.active(now)
}

// forgotten reports whether a member was lost so long ago that it no longer counts as known. The next sweep removes it.
func (r *Registry) forgotten(m *member, now time.Time) bool {
	return !m.open() && now.Sub(m.lostAt) >= r.cfg.knownFor()
}
