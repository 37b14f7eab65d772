package drivers

import (
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Drivers returns the roster, sorted by driver id.
func (r *Registry) Drivers() []swarm.Driver {
	out := r.describeAll()
	slices.SortFunc(out, func(a, b swarm.Driver) int { return strings.Compare(a.ID, b.ID) })
	return out
}

func (r *Registry) describeAll() []swarm.Driver {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	out := make([]swarm.Driver, 0, len(r.seats))
	for _, seat := range r.seats {
		if d, known := r.describe(seat, now); known {
			out = append(out, d)
		}
	}
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
