package drivers

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// resplitAgain is the minimum time between two requests to split a total again.
const resplitAgain = 5 * time.Second

// resplits is the policy that decides when a total is split again. It remembers when that was last requested, and how
// often without effect.
type resplits struct {
	when  Resplit
	asked map[uint64]asked // by seq of the total
}

type asked struct {
	at    time.Time
	tries int
}

// wait returns how long to wait before the next request. It grows while requests have no effect, because another
// submitter commands the drivers of the total.
func (a asked) wait() time.Duration { return resplitAgain << min(a.tries, 6) }

// resplit is a request to split one total again.
type resplit struct {
	seq     uint64
	change  string
	drivers []string
}

// splitDrivers is what the policy needs to know about the drivers.
type splitDrivers interface {
	presence(id string, now time.Time) presence
	// outside returns the active drivers for which a total holds but which have no share, because they joined after the
	// split, sorted.
	outside(seq uint64, now time.Time) []string
}

// presence is what is known about a driver that has a share of a total.
type presence int

const (
	connected  presence = iota
	hung                // stale: may still be running
	lostLately          // may still be running until its lease expires
	lostForGood
)

func newResplits(when Resplit) resplits { return resplits{when: when, asked: map[uint64]asked{}} }

func (p *resplits) on() bool { return p.when == ResplitOnLoss || p.when == ResplitOnChange }

// carryOver copies the time of the last request from a total to its new split.
func (p *resplits) carryOver(issue swarm.Issue) {
	if c := issue.Condition; c != nil && issue.Command.Total {
		if before, ok := p.asked[c.IfSeq]; ok {
			p.asked[issue.Seq] = asked{at: before.at}
		}
	}
}

// due requests new splits of totals whose drivers have changed; splits are all that are in force. A driver with a share
// is lost for good if it has deregistered, or has been without a session for so long that its lease has expired. Before
// that it may still run its share, and so may a stale driver: meanwhile no other driver gets that share, or the drivers
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

// lostOf returns the drivers of a split that have a share and are lost for good, sorted. uncertain says that some
// driver may be running a share without reporting it.
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
