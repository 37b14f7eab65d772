package drivers

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Targets returns a seat for each active driver that t selects, sorted by driver id.
func (r *Registry) Targets(t swarm.Target) []swarm.Seat {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.attended(time.Now())
	var out []swarm.Seat
	for s := range r.matching(t) {
		if s.active(now) {
			out = append(out, swarm.Seat{DriverID: s.id, Capabilities: s.capabilities, Unresponsive: s.unresponsive(), Share: s.share})
		}
	}
	return out
}

// Lost returns a seat for each known driver that t selects and that is not active, sorted by driver id, with the reason it would
// be missing for; loaded tells whether load is desired of any driver that t could select.
func (r *Registry) Lost(t swarm.Target) (seats []swarm.Seat, loaded bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wall := time.Now()
	now := r.attended(wall)
	for seat := range r.selected(t) {
		if r.forgotten(seat, wall) || seat.open() && seat.session.active(now) {
			continue
		}
		reason := swarm.ReasonStale
		if !seat.open() {
			reason = swarm.ReasonDisconnected
		}
		seats = append(seats, swarm.Seat{DriverID: seat.id, Capabilities: seat.session.capabilities, Lost: reason})
	}
	slices.SortFunc(seats, func(a, b swarm.Seat) int { return strings.Compare(a.DriverID, b.DriverID) })
	return seats, r.cfg.Desired.Loaded(t)
}

// Missed tells which drivers let the deadline of one command pass.
func (r *Registry) Missed(driverIDs []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range driverIDs {
		if seat := r.seats[id]; seat != nil {
			seat.session.misses.Add(1)
		}
	}
}

// Stale reports whether the driver has an open session whose heartbeats are late.
func (r *Registry) Stale(driverID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	seat := r.seats[driverID]
	return seat != nil && seat.open() && !seat.session.active(r.attended(time.Now()))
}

// selected yields the seats that t selects, open or not, in order of id if t names ids. The lock is held.
func (r *Registry) selected(t swarm.Target) iter.Seq[*seat] {
	return func(yield func(*seat) bool) {
		byLabels := swarm.Target{Labels: t.Labels}
		if len(t.DriverIDs) == 0 {
			for id, seat := range r.seats {
				if byLabels.Matches(id, seat.session.labels) && !yield(seat) {
					return
				}
			}
			return
		}
		for _, id := range slices.Compact(slices.Sorted(slices.Values(t.DriverIDs))) {
			if seat := r.seats[id]; seat != nil && byLabels.Matches(id, seat.session.labels) && !yield(seat) {
				return
			}
		}
	}
}

// matching yields the open sessions that t selects, in order of driver id. The lock is held.
func (r *Registry) matching(t swarm.Target) iter.Seq[*session] {
	return func(yield func(*session) bool) {
		if len(t.DriverIDs) > 0 {
			for seat := range r.selected(t) { // ids are taken in order
				if seat.open() && !yield(seat.session) {
					return
				}
			}
			return
		}
		for _, s := range r.sorted() {
			if t.Matches(s.id, s.labels) && !yield(s) {
				return
			}
		}
	}
}

// sorted returns the open registered sessions by driver id. It is made anew only after somebody joined or left.
func (r *Registry) sorted() []*session {
	if r.joined == nil {
		r.joined = make([]*session, 0, r.open)
		for _, seat := range r.seats {
			if seat.open() {
				r.joined = append(r.joined, seat.session)
			}
		}
		slices.SortFunc(r.joined, func(a, b *session) int { return strings.Compare(a.id, b.id) })
	}
	return r.joined
}
