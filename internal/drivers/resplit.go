package drivers

import (
	"slices"
	"time"
)

// resplitAgain is how long a total that was to be split anew is left alone.
const resplitAgain = 5 * time.Second

// resplits remembers when each total was last asked to be split anew.
type resplits map[uint64]time.Time

// mendSplits asks for totals to be split anew whose drivers are lost for good: deregistered, or without a session for so long that
// their lease has run out. Before that they may still run their parts, and a new split would overshoot. The lock is held.
func (r *Registry) mendSplits(now time.Time) {
	if !r.cfg.Resplit {
		return
	}
	splits := r.cfg.Desired.Splits()
	for seq := range r.resplits {
		if splits[seq] == nil {
			delete(r.resplits, seq)
		}
	}
	for seq, parts := range splits {
		if at, asked := r.resplits[seq]; asked && now.Sub(at) < resplitAgain {
			continue
		}
		if lost := r.lostOf(parts, now); len(lost) > 0 {
			r.resplits[seq] = now
			r.sink.Resplit(seq, lost)
		}
	}
}

// lostOf returns who of a split has a part and is lost for good, sorted.
func (r *Registry) lostOf(parts map[string]int64, now time.Time) (lost []string) {
	for id, n := range parts {
		if n > 0 && r.presence(id, now) == lostForGood {
			lost = append(lost, id)
		}
	}
	slices.Sort(lost)
	return lost
}

// presence is what is known of a driver that has a part of a total.
type presence int

const (
	connected  presence = iota
	lostLately          // may be running still, until its lease has run out
	lostForGood
)

func (r *Registry) presence(id string, now time.Time) presence {
	since := r.startedAt // of drivers that were there before this process
	if seat := r.seats[id]; seat != nil {
		if seat.open() {
			return connected
		}
		since = seat.lostAt
	}
	if now.Sub(since) < r.cfg.LeaseTTL {
		return lostLately
	}
	return lostForGood
}

// unconfirmed is how many players of a split belong to drivers that may be running them, and do not say so.
func (r *Registry) unconfirmed(parts map[string]int64, now time.Time) (n int64) {
	for id, part := range parts {
		if r.presence(id, now) == lostLately {
			n += part
		}
	}
	return n
}
