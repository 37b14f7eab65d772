package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// The Registry as its policies use it. The lock is held.
var _ splitDrivers = (*Registry)(nil)

// outside implements splitDrivers.
func (r *Registry) outside(seq uint64, now time.Time) (ids []string) {
	for _, m := range r.known() {
		if r.stateOf(m, now) != swarm.Active {
			continue
		}
		if w, ok := r.desired.Load(m.id, m.labels); ok && w.Seq == seq && w.OutsideSplit && m.supports(w.Command.Type) {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// presence implements splitDrivers.
func (r *Registry) presence(id string, now time.Time) presence {
	since := r.startedAt // for drivers that were known before this process started
	if r.former.deregistered(id) {
		return lostForGood
	}
	if m := r.members[id]; m != nil {
		switch r.stateOf(m, now) {
		case swarm.Active:
			return connected
		case swarm.Stale:
			return hung
		case swarm.Disconnected:
			since = m.lostAt
		}
	}
	if now.Sub(since) < r.cfg.LeaseTTL {
		return lostLately
	}
	return lostForGood
}
