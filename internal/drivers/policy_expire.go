package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// maxExpired bounds how many load commands expire in one sweep: each is a record of the log.
const maxExpired = 256

// idle is the policy for commands that no known driver matches. It remembers since when that has been so.
type idle struct {
	after  time.Duration
	every  time.Duration        // how often rules are compared with drivers
	since  map[uint64]time.Time // by seq of the rule
	asked  map[uint64]time.Time // when the expiry of a load command was requested
	looked time.Time
}

// idleEvery is how often rules are compared with drivers.
func (c *Config) idleEvery() time.Duration {
	return min(max(c.ForgetAfter/20, c.sweepEvery()), 10*time.Second)
}

// rules is the part of the fold that this policy needs; swarm.Desired implements it.
type rules interface {
	Idle(matched func(swarm.Target) bool, due func(seq uint64) bool) []swarm.IdleRule
	Forget(seq uint64)
}

// due reports whether it is time for the next comparison.
func (p *idle) due(now time.Time) bool { return now.Sub(p.looked) >= p.every }

// check requests the expiry of load commands that no known driver has matched for a while, so that old load does not
// start when a driver with an old label or id connects. It forgets other such rules, unless they keep load away, so
// that rules do not accumulate. A Stop of the server itself that only keeps older load away is dropped by a record of
// the log.
func (p *idle) check(now time.Time, fold rules, known func(swarm.Target) bool) (expired []*swarm.Expired, forgot bool) {
	p.looked = now
	since, asked := make(map[uint64]time.Time), make(map[uint64]time.Time)
	due := func(seq uint64) bool {
		began, before := p.since[seq]
		return before && now.Sub(began) >= p.after
	}
	for _, rule := range fold.Idle(known, due) {
		began, before := p.since[rule.Seq]
		if !before {
			began = now
		}
		since[rule.Seq] = began
		if now.Sub(began) < p.after {
			continue
		}
		switch named := len(rule.Target.DriverIDs)+len(rule.Target.Labels) > 0; {
		case rule.Load, rule.Shields && named:
			asked[rule.Seq], expired = p.expire(rule, now, expired)
		case !rule.Needed && named: // a rule for all applies to any driver that connects
			fold.Forget(rule.Seq)
			forgot = true
		}
	}
	p.since, p.asked = since, asked
	return expired, forgot
}

// expire requests the replacement of a load command, unless it did so recently. It returns the time of the last
// request.
func (p *idle) expire(rule swarm.IdleRule, now time.Time, expired []*swarm.Expired) (time.Time, []*swarm.Expired) {
	at, asked := p.asked[rule.Seq]
	if asked && now.Sub(at) < resplitAgain || len(expired) == maxExpired {
		return at, expired
	}
	return now, append(expired, &swarm.Expired{
		Replaced: rule.Seq, Target: rule.Target,
		Cause: "no known driver has matched its target for " + p.after.String(),
	})
}
