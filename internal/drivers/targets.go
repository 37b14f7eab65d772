package drivers

import (
	"iter"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Members returns the known drivers that q selects, sorted by driver id, each with the reason why it cannot answer now,
// if there is one. Drivers that belong to another run are separate.
func (r *Registry) Members(q swarm.TargetQuery) (out swarm.Targeted) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	attended := r.attended(now)
	r.choosing = r.choosing || q.Choose
	for m := range r.selectedInOrder(q.Target) {
		if r.forgotten(m, now) || r.yields(m, q, &out) {
			continue
		}
		found := swarm.Member{
			DriverID: m.id, Capabilities: m.capabilities, Unresponsive: m.unresponsive(), Share: m.share,
			Lost: r.lost(m, attended), Away: m.away != nil,
		}
		if q.Choose && found.Lost == "" && m.retires() {
			found.Lost, found.Retires = swarm.ReasonDisconnected, true
		}
		out.Members = append(out.Members, found)
	}
	out.Incomplete = !r.rosters.known()
	out.Awaited = len(out.Members) > 0 || out.Incomplete || now.Sub(r.startedAt) < r.cfg.ForgetAfter && r.desired.Loaded(q.Target)
	return out
}

// lost returns why a member cannot answer now, "" if it can. The lock is held.
func (r *Registry) lost(m *member, attended time.Time) swarm.Reason {
	switch {
	case m.away != nil && m.open() && r.rosters.silent[m.away.node.Name]:
		return swarm.ReasonNodeLost
	case !m.open():
		return swarm.ReasonDisconnected
	case !r.responds(m, attended):
		return swarm.ReasonStale
	}
	return ""
}

// yields records a driver for which a newer load command of another submitter holds, so that a conditional command
// leaves it out.
func (r *Registry) yields(m *member, q swarm.TargetQuery, out *swarm.Targeted) bool {
	place := r.desired.Blocked(q.Condition, q.Submitter, m.id, m.labels)
	if place == 0 {
		return false
	}
	out.Blocked = max(out.Blocked, place)
	out.OtherRun = append(out.OtherRun, m.id)
	return true
}

// DeadlineMissed reports the drivers that missed the deadline of one command. Each node counts for its own drivers, and
// tells the others which are unresponsive.
func (r *Registry) DeadlineMissed(driverIDs []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range driverIDs {
		if m := r.members[id]; m != nil && m.away == nil {
			m.misses.Add(1)
			r.touch(m)
		}
	}
}

// selectedInOrder is like selected, but in order of driver id. The lock is held.
func (r *Registry) selectedInOrder(t swarm.Target) iter.Seq[*member] {
	if len(t.DriverIDs) > 0 {
		return r.selected(t) // it yields ids in order
	}
	return func(yield func(*member) bool) {
		for _, m := range r.known() {
			if t.Matches(m.id, m.labels) && !yield(m) {
				return
			}
		}
	}
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

// matching yields the members with a session that t selects, in order of driver id. The lock is held.
func (r *Registry) matching(t swarm.Target) iter.Seq[*member] {
	return func(yield func(*member) bool) {
		if len(t.DriverIDs) > 0 {
			for m := range r.selected(t) { // it yields ids in order
				if m.hasSession() && !yield(m) {
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

// connected returns the members with a session by driver id. The list is rebuilt only after one joined or left. The
// lock is held.
func (r *Registry) connected() []*member {
	if r.openByID == nil {
		r.openByID = make([]*member, 0, r.open)
		for _, m := range r.known() {
			if m.hasSession() {
				r.openByID = append(r.openByID, m)
			}
		}
	}
	return r.openByID
}
