package drivers

import (
	"time"
)

// The Registry as its policies use it. The lock is held.
var _ splitDrivers = (*Registry)(nil)

// outside implements splitDrivers.
func (r *Registry) outside(seq uint64, now time.Time) (ids []string) {
	for _, m := range r.connected() {
		if !m.session.active(r.attended(now)) {
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
		switch {
		case m.open() && m.session.active(r.attended(now)):
			return connected
		case m.open():
			return hung
		}
		since = m.lostAt
	}
	if now.Sub(since) < r.cfg.LeaseTTL {
		return lostLately
	}
	return lostForGood
}
