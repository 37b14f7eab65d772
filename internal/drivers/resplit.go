package drivers

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// resplitAgain is how long a total that was to be split again is left alone.
const resplitAgain = 5 * time.Second

// resplits remembers when each total was last asked to be split again, and how often in vain.
type resplits map[uint64]asked

type asked struct {
	at    time.Time
	tries int
}

// wait is how long a total is left alone: longer when nothing came of it, because somebody else commands its drivers.
func (a asked) wait() time.Duration { return resplitAgain << min(a.tries, 6) }

// carryOver counts the time from one total to the one that it was split into. The lock is held.
func (r *Registry) carryOver(issue swarm.Issue) {
	if c := issue.Condition; c != nil && issue.Command.Total {
		if before, ok := r.resplits[c.IfSeq]; ok {
			r.resplits[issue.Seq] = asked{at: before.at}
		}
	}
}

// mendSplits asks for totals to be split again whose drivers have changed. One with a part is lost for good when it has deregistered,
// or has been without a session for so long that its lease has run out. Before that it may still run its part, and so may one that is
// stale: nobody else gets it meanwhile, or the drivers would run more than the total. The lock is held.
func (r *Registry) mendSplits(now time.Time) {
	if r.cfg.Resplit != ResplitOnLoss && r.cfg.Resplit != ResplitOnChange {
		return
	}
	splits := r.cfg.Desired.Splits()
	for seq := range r.resplits {
		if splits[seq] == nil {
			delete(r.resplits, seq)
		}
	}
	for seq, parts := range splits {
		before, again := r.resplits[seq]
		if again && now.Sub(before.at) < before.wait() {
			continue
		}
		lost, uncertain := r.lostOf(parts, now)
		if uncertain {
			continue
		}
		change, ids := "lost", lost
		if len(lost) == 0 && r.cfg.Resplit == ResplitOnChange {
			change, ids = "joined", r.outside(seq, now)
		}
		if len(ids) > 0 {
			if again {
				before.tries++
			}
			r.resplits[seq] = asked{now, before.tries}
			r.sink.Resplit(seq, change, ids)
		}
	}
}

// lostOf returns who of a split has a part and is lost for good, sorted; uncertain says that somebody may be running a part and does
// not say so.
func (r *Registry) lostOf(parts map[string]int64, now time.Time) (lost []string, uncertain bool) {
	for id, n := range parts {
		if n == 0 {
			continue
		}
		switch r.presence(id, now) {
		case lostForGood:
			lost = append(lost, id)
		case lostLately, hung:
			uncertain = true
		case connected:
		}
	}
	slices.Sort(lost)
	return lost, uncertain
}

// outside returns the active drivers for which a total holds and which have no part of it, because they came after the split, sorted.
func (r *Registry) outside(seq uint64, now time.Time) (ids []string) {
	for _, m := range r.connected() {
		if !m.session.active(r.attended(now)) || !m.supports(swarm.SetPlayers) {
			continue
		}
		if w, ok := r.cfg.Desired.Load(m.id, m.labels); ok && w.Seq == seq && w.OutsideSplit {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// presence is what is known of a driver that has a part of a total.
type presence int

const (
	connected  presence = iota
	hung                // stale: may be running still
	lostLately          // may be running still, until its lease has run out
	lostForGood
)

func (r *Registry) presence(id string, now time.Time) presence {
	since := r.startedAt // of drivers that were there before this process
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
