package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Drivers returns the whole roster, by driver id.
func (r *Registry) Drivers() []swarm.Driver { return r.Roster(swarm.RosterQuery{}).Drivers }

// Roster returns a page of the roster. What it costs under the lock is a look at each driver's state, and what it returns.
func (r *Registry) Roster(q swarm.RosterQuery) (out swarm.Roster) {
	defer r.looking.begin()()
	now := time.Now()
	byLabels := swarm.Target{Labels: q.Labels}
	r.survey(now, func(seat *seat, state swarm.DriverState) {
		switch state {
		case swarm.Active:
			out.Active++
		case swarm.Stale:
			out.Stale++
		case swarm.Disconnected:
			out.Disconnected++
		}
		switch {
		case out.More, q.None, seat.id <= q.After, q.State != "" && q.State != state, !byLabels.Matches(seat.id, seat.session.labels):
		case q.Limit > 0 && len(out.Drivers) == q.Limit:
			out.More = true
		default:
			d := seat.session.describe(now)
			d.State, d.Conflict = state, seat.rivals.describe(now)
			out.Drivers = append(out.Drivers, d)
		}
	})
	return out
}

// Driver returns one line of the roster.
func (r *Registry) Driver(id string) (swarm.Driver, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seat := r.seats[id]
	if seat == nil {
		return swarm.Driver{}, false
	}
	return r.describe(seat, time.Now())
}

// describe reports false for a lost driver that is due to be forgotten.
func (r *Registry) describe(seat *seat, now time.Time) (swarm.Driver, bool) {
	if r.forgotten(seat, now) {
		return swarm.Driver{}, false
	}
	d := seat.session.describe(now)
	d.State = r.stateOf(seat, now)
	d.Conflict = seat.rivals.describe(now)
	return d, true
}

func (r *Registry) stateOf(seat *seat, now time.Time) swarm.DriverState {
	switch {
	case !seat.open():
		return swarm.Disconnected
	case seat.session.active(r.attended(now)):
		return swarm.Active
	default:
		return swarm.Stale
	}
}

func (r *Registry) forgotten(seat *seat, now time.Time) bool {
	return !seat.open() && now.Sub(seat.lostAt) >= r.cfg.knownFor()
}
