package drivers

import (
	"context"
	"math/rand/v2"
	"time"
)

// A node that stops lets its drivers move to other nodes, without a command that is missing because of that: its
// sessions retire, as those of an expiring credential do, and end one after the other.

// noticeTime is how long a session retires at least if there are other nodes: they may have chosen the driver as a
// target before they learned that it retires.
const noticeTime = time.Second

// endEvery is how often EndRetired looks for sessions that may end.
const endEvery = 20 * time.Millisecond

// Retire makes all sessions of this node retire: their drivers are no targets of new commands, and still receive them.
// They do not end before EndRetired is called. Until that returns, no driver may connect.
func (r *Registry) Retire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leaving = true
	now := time.Now()
	for s := range r.sessions {
		if !s.dismissed {
			r.retire(s, now, false)
		}
	}
	r.signal()
}

// EndRetired ends the sessions that Retire has made retire. Each may end from a random moment of the given time on, and
// ends as soon as nothing waits for it. EndRetired returns when all have ended, or ctx ends.
func (r *Registry) EndRetired(ctx context.Context, spread time.Duration) {
	mine := r.letEnd(spread)
	tick := time.NewTicker(endEvery)
	defer tick.Stop()
	for r.endDue(mine) > 0 {
		select {
		case <-ctx.Done():
			r.welcome()
			return
		case <-tick.C:
		}
	}
	r.welcome()
}

// letEnd decides when each retiring session may end. It returns them.
func (r *Registry) letEnd(spread time.Duration) (mine []*session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for s, how := range r.retiring {
		mine = append(mine, s)
		if how.endFrom.IsZero() {
			how.endFrom = now.Add(rand.N(max(1, spread))) //nolint:gosec // spreads load; not a secret
			if noticed := r.noticed(how); noticed.After(how.endFrom) {
				how.endFrom = noticed
			}
			r.retiring[s] = how
		}
	}
	return mine
}

// noticed returns when the other nodes know that a session retires.
func (r *Registry) noticed(how retirement) time.Time {
	if !r.cfg.Shared {
		return how.began
	}
	return how.began.Add(noticeTime)
}

// endDue ends the retiring sessions that may end. It returns how many of the given ones have a connection still.
func (r *Registry) endDue(mine []*session) (left int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for s := range r.retiring {
		r.endIfFree(s, now)
	}
	for _, s := range mine {
		if _, open := r.sessions[s]; open {
			left++
		}
	}
	return left
}

func (r *Registry) welcome() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leaving = false
}
