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
	for m := range r.matching(q.Target) { // in order of id
		switch {
		case r.yields(m, q, &out):
		case m.session.active(now):
			out.Members = append(out.Members, swarm.Member{
				DriverID: m.id, Capabilities: m.capabilities, Unresponsive: m.unresponsive(), Share: m.share,
			})
		default:
			out.LeftOut = append(out.LeftOut, swarm.LeftOut{DriverID: m.id, Reason: swarm.LeftOutStale})
		}
	}
	if len(r.members) == r.open {
		return out
	}
	for m := range r.selected(q.Target) {
		if !m.open() && !r.forgotten(m, wall) && !r.yields(m, q, &out) {
			out.LeftOut = append(out.LeftOut, swarm.LeftOut{DriverID: m.id, Reason: swarm.LeftOutDisconnected})
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
	for m := range r.selected(q.Target) {
		if r.forgotten(m, now) || r.yields(m, q, &out) || m.open() && m.session.active(attended) {
			continue
		}
		reason := swarm.ReasonStale
		if !m.open() {
			reason = swarm.ReasonDisconnected
		}
		out.Members = append(out.Members, swarm.Member{DriverID: m.id, Capabilities: m.capabilities, Lost: reason})
	}
	slices.SortFunc(out.Members, func(a, b swarm.Member) int { return strings.Compare(a.DriverID, b.DriverID) })
	sortLeftOut(out.LeftOut)
	out.Awaited = len(out.Members) > 0 || now.Sub(r.startedAt) < r.cfg.ForgetAfter && r.cfg.Desired.Loaded(q.Target)
	return out
}

// yields notes a driver for which a newer load command of another submitter holds, so that a conditional command leaves it out.
func (r *Registry) yields(m *member, q swarm.TargetQuery, out *swarm.Targeted) bool {
	place := r.cfg.Desired.Blocked(q.Condition, q.Submitter, m.id, m.labels)
	if place == 0 {
		return false
	}
	out.Blocked = max(out.Blocked, place)
	out.LeftOut = append(out.LeftOut, swarm.LeftOut{DriverID: m.id, Reason: swarm.LeftOutOtherRun})
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
		if m := r.members[id]; m != nil {
			m.misses.Add(1)
		}
	}
}

// Stale reports whether the driver has an open session whose heartbeats are late.
func (r *Registry) Stale(driverID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := r.members[driverID]
	return m != nil && m.open() && !m.session.active(r.attended(time.Now()))
}

// selected yields the members that t selects, open or not, in order of id if t names ids. The lock is held.
func (r *Registry) selected(t swarm.Target) iter.Seq[*member] {
	return func(yield func(*member) bool) {
		byLabels := swarm.Target{Labels: t.Labels}
		if len(t.DriverIDs) == 0 {
			for _, m := range r.members {
				if byLabels.Matches(m.id, m.labels) && !yield(m) {
					return
				}
			}
			return
		}
		for _, id := range slices.Compact(slices.Sorted(slices.Values(t.DriverIDs))) {
			if m := r.members[id]; m != nil && byLabels.Matches(id, m.labels) && !yield(m) {
				return
			}
		}
	}
}

// matching yields the open members that t selects, in order of driver id. The lock is held.
func (r *Registry) matching(t swarm.Target) iter.Seq[*member] {
	return func(yield func(*member) bool) {
		if len(t.DriverIDs) > 0 {
			for m := range r.selected(t) { // ids are taken in order
				if m.open() && !yield(m) {
					return
				}
			}
			return
		}
		for _, m := range r.connected() {
			if t.Matches(m.id, m.labels) && !yield(m) {
				return
			}
		}
	}
}

// connected returns the open members by driver id. The list is made again only after one joined or left. The lock is held.
func (r *Registry) connected() []*member {
	if r.openByID == nil {
		r.openByID = make([]*member, 0, r.open)
		for _, m := range r.known() {
			if m.open() {
				r.openByID = append(r.openByID, m)
			}
		}
	}
	return r.openByID
}
