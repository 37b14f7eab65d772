package drivers

import (
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Targets returns each active driver that q selects, sorted by driver id, and who of the known drivers is left out.
func (r *Registry) Targets(q swarm.TargetQuery) (out swarm.Targeted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	wall := time.Now()
	now := r.attended(wall)
	for s := range r.matching(q.Target) { // in order of id
		switch {
		case r.yields(s, q, &out):
		case s.active(now):
			out.Members = append(out.Members, swarm.Member{
				DriverID: s.id, Capabilities: s.capabilities, Unresponsive: s.unresponsive(), Share: s.share,
			})
		default:
			out.LeftOut = append(out.LeftOut, swarm.LeftOut{DriverID: s.id, Reason: swarm.LeftOutStale})
		}
	}
	if len(r.seats) == r.open {
		return out
	}
	for seat := range r.selected(q.Target) {
		if !seat.open() && !r.forgotten(seat, wall) && !r.yields(seat.session, q, &out) {
			out.LeftOut = append(out.LeftOut, swarm.LeftOut{DriverID: seat.id, Reason: swarm.LeftOutDisconnected})
		}
	}
	sortLeftOut(out.LeftOut)
	return out
}

// Lost returns each known driver that q selects, with the reason it would be missing for. It is for a Stop when no driver
// is active.
func (r *Registry) Lost(q swarm.TargetQuery) (out swarm.Targeted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	attended := r.attended(now)
	for seat := range r.selected(q.Target) {
		if r.forgotten(seat, now) || r.yields(seat.session, q, &out) || seat.open() && seat.session.active(attended) {
			continue
		}
		reason := swarm.ReasonStale
		if !seat.open() {
			reason = swarm.ReasonDisconnected
		}
		out.Members = append(out.Members, swarm.Member{DriverID: seat.id, Capabilities: seat.session.capabilities, Lost: reason})
	}
	slices.SortFunc(out.Members, func(a, b swarm.Member) int { return strings.Compare(a.DriverID, b.DriverID) })
	sortLeftOut(out.LeftOut)
	out.Awaited = len(out.Members) > 0 || now.Sub(r.startedAt) < r.cfg.ForgetAfter && r.cfg.Desired.Loaded(q.Target)
	return out
}

// yields notes a driver for which a newer load command of another submitter holds, so that a conditional command leaves it out.
func (r *Registry) yields(s *session, q swarm.TargetQuery, out *swarm.Targeted) bool {
	place := r.cfg.Desired.Blocked(q.Condition, q.Submitter, s.id, s.labels)
	if place == 0 {
		return false
	}
	out.Blocked = max(out.Blocked, place)
	out.LeftOut = append(out.LeftOut, swarm.LeftOut{DriverID: s.id, Reason: swarm.LeftOutOtherRun})
	return true
}

func sortLeftOut(list []swarm.LeftOut) {
	slices.SortFunc(list, func(a, b swarm.LeftOut) int { return strings.Compare(a.DriverID, b.DriverID) })
}

// DeadlineMissed tells which drivers let the deadline of one command pass.
func (r *Registry) DeadlineMissed(driverIDs []string) {
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
