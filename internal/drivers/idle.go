package drivers

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// maxExpired bounds how many load commands expire in one sweep: each is a record of the log.
const maxExpired = 256

// idle remembers since when no known driver has matched a rule of the fold.
type idle struct {
	since  map[uint64]time.Time // by seq of the rule
	asked  map[uint64]time.Time // when it was asked for a load command to expire
	looked time.Time
}

// idleEvery is how often rules are compared with drivers.
func (c *Config) idleEvery() time.Duration {
	return min(max(c.ForgetAfter/20, c.sweepEvery()), 10*time.Second)
}

// lookAtIdle has load commands replaced that no known driver has matched for ForgetAfter, and forgets other rules of that kind unless
// they keep load away; a Stop of that kind that keeps older load away is dropped by a record of the log: load of the past must not start when a driver with an old label or id comes, and rules must not pile up. The
// lock is held.
func (r *Registry) lookAtIdle(now time.Time) {
	if now.Sub(r.idle.looked) < r.cfg.idleEvery() {
		return
	}
	r.idle.looked = now
	known := knownIndex{r: r, now: now}
	since, asked := make(map[uint64]time.Time), make(map[uint64]time.Time)
	var expired []*swarm.Expired
	due := func(seq uint64) bool {
		began, before := r.idle.since[seq]
		return before && now.Sub(began) >= r.cfg.ForgetAfter
	}
	for _, rule := range r.cfg.Desired.Idle(known.matches, due) {
		began, before := r.idle.since[rule.Seq]
		if !before {
			began = now
		}
		since[rule.Seq] = began
		if now.Sub(began) < r.cfg.ForgetAfter {
			continue
		}
		switch named := len(rule.Target.DriverIDs)+len(rule.Target.Labels) > 0; {
		case rule.Load, rule.Shields && named:
			asked[rule.Seq], expired = r.expire(rule, now, expired)
		case !rule.Needed && named: // what is for all is for any driver that comes
			r.cfg.Desired.Forget(rule.Seq)
			r.shown = nil
		}
	}
	r.idle.since, r.idle.asked = since, asked
	if now.Sub(r.startedAt) >= r.cfg.ForgetAfter {
		r.cfg.Desired.ForgetFixed(func(id string) bool { return r.members[id] != nil })
	}
	if len(expired) > 0 {
		r.sink.Expire(expired)
	}
}

// expire asks for a load command to be replaced, unless it was asked for a moment ago. It returns when it was asked for last.
func (r *Registry) expire(rule swarm.IdleRule, now time.Time, expired []*swarm.Expired) (time.Time, []*swarm.Expired) {
	at, asked := r.idle.asked[rule.Seq]
	if asked && now.Sub(at) < resplitAgain || len(expired) == maxExpired {
		return at, expired
	}
	return now, append(expired, &swarm.Expired{
		Replaced: rule.Seq, Target: rule.Target, Cause: "no known driver has matched its target for " + r.cfg.ForgetAfter.String(),
	})
}

// knownIndex finds known drivers by label, so that rules need not be compared with each of them.
type knownIndex struct {
	r      *Registry
	now    time.Time
	byPair map[[2]string][]*member // made when it is needed first
}

// matches reports whether a known driver matches t.
func (x *knownIndex) matches(t swarm.Target) bool {
	match := func(m *member) bool { return !x.r.forgotten(m, x.now) && t.Matches(m.id, m.labels) }
	switch {
	case len(t.DriverIDs) > 0:
		return slices.ContainsFunc(t.DriverIDs, func(id string) bool { m := x.r.members[id]; return m != nil && match(m) })
	case len(t.Labels) > 0:
		return slices.ContainsFunc(x.fewest(t.Labels), match)
	}
	for _, m := range x.r.members {
		if match(m) {
			return true
		}
	}
	return false
}

// fewest returns the drivers that have the rarest of the labels.
func (x *knownIndex) fewest(labels map[string]string) (fewest []*member) {
	if x.byPair == nil {
		x.byPair = map[[2]string][]*member{}
		for _, m := range x.r.members {
			for key, value := range m.labels {
				x.byPair[[2]string{key, value}] = append(x.byPair[[2]string{key, value}], m)
			}
		}
	}
	first := true
	for key, value := range labels {
		if list := x.byPair[[2]string{key, value}]; first || len(list) < len(fewest) {
			fewest, first = list, false
		}
	}
	return fewest
}
