package drivers

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// resplitAgain is how long a total that was to be split again is left alone.
const resplitAgain = 5 * time.Second

// resplits is the policy of when a total is split again. It remembers when that was last asked for, and how often in
// vain.
type resplits struct {
	when  Resplit
	asked map[uint64]asked // by seq of the total
}

type asked struct {
	at    time.Time
	tries int
}

// wait is how long a total is left alone: longer when nothing came of it, because somebody else commands its drivers.
func (a asked) wait() time.Duration { return resplitAgain << min(a.tries, 6) }

// resplit asks for one total to be split again.
type resplit struct {
	seq     uint64
	change  string
	drivers []string
}

// splitDrivers is what the policy has to know of the drivers.
type splitDrivers interface {
	presence(id string, now time.Time) presence
	// outside returns the active drivers for which a total holds and which have no part of it, because they came after
	// the split, sorted.
	outside(seq uint64, now time.Time) []string
}

// presence is what is known of a driver that has a part of a total.
type presence int

const (
	connected  presence = iota
	hung                // stale: may be running still
	lostLately          // may be running still, until its lease has run out
	lostForGood
)

func newResplits(when Resplit) resplits { return resplits{when: when, asked: map[uint64]asked{}} }

func (p *resplits) on() bool { return p.when == ResplitOnLoss || p.when == ResplitOnChange }

// carryOver counts the time from one total to the one that it was split into.
func (p *resplits) carryOver(issue swarm.Issue) {
	if c := issue.Condition; c != nil && issue.Command.Total {
		if before, ok := p.asked[c.IfSeq]; ok {
			p.asked[issue.Seq] = asked{at: before.at}
		}
	}
}

// due asks for totals to be split again whose drivers have changed; splits are all that are in force. A driver with a
// part is lost for good when it has deregistered, or has been without a session for so long that its lease has run out.
// Before that it may still run its part, and so may one that is stale: nobody else gets it meanwhile, or the drivers
// would run more than the total.
func (p *resplits) due(now time.Time, splits map[uint64]map[string]int64, d splitDrivers) (out []resplit) {
	for seq := range p.asked {
		if splits[seq] == nil {
			delete(p.asked, seq)
		}
	}
	for seq, parts := range splits {
		before, again := p.asked[seq]
		if again && now.Sub(before.at) < before.wait() {
			continue
		}
		lost, uncertain := lostOf(parts, now, d)
		if uncertain {
			continue
		}
		change, ids := "lost", lost
		if len(lost) == 0 && p.when == ResplitOnChange {
			change, ids = "joined", d.outside(seq, now)
		}
		if len(ids) > 0 {
			if again {
				before.tries++
			}
			p.asked[seq] = asked{now, before.tries}
			out = append(out, resplit{seq, change, ids})
		}
	}
	return out
}

// lostOf returns who of a split has a part and is lost for good, sorted; uncertain says that somebody may be running a
// part and does not say so.
func lostOf(parts map[string]int64, now time.Time, d splitDrivers) (lost []string, uncertain bool) {
	for id, n := range parts {
		if n == 0 {
			continue
		}
		switch d.presence(id, now) {
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
