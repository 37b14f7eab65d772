package drivers

import (
	"sync/atomic"
	"time"
)

// A process that was stopped for a while (SIGSTOP, a suspended machine, no CPU) finds every heartbeat late, although
// the heartbeats wait in the sockets. The sweeper detects this: if a sweep comes much later than it was due, the
// process was not running, and the time in between does not count against any driver.

func (c *Config) sweepEvery() time.Duration { return min(500*time.Millisecond, c.StaleAfter/4) }

// pauseAfter is how late a sweep must be to indicate a pause.
func (c *Config) pauseAfter() time.Duration { return 2 * c.sweepEvery() }

// attended returns the time for staleness checks: it does not advance while a sweep is overdue. The lock is held.
func (r *Registry) attended(now time.Time) time.Time {
	if r.sweptAt.IsZero() {
		return now
	}
	if limit := r.sweptAt.Add(r.cfg.sweepEvery()); now.After(limit) {
		return limit
	}
	return now
}

// pausedSince reports whether this process was paused at any time from since to now.
func (r *Registry) pausedSince(since, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.resumedAt.After(since) || r.attended(now).Before(now)
}

// excusePause removes the time of a pause from the clocks of the sessions. The lock is held.
func (r *Registry) excusePause(now time.Time) (pause time.Duration) {
	last := r.sweptAt
	r.sweptAt = now
	if last.IsZero() || now.Sub(last) <= r.cfg.pauseAfter() {
		return 0
	}
	r.resumedAt = now
	pause = now.Sub(last)
	for s := range r.sessions {
		s.excuse(pause, now)
	}
	return pause
}

// excuse moves a clock value by the pause, but not past now: a value set since the last sweep may be from before or
// after the pause.
func (s *session) excuse(pause time.Duration, now time.Time) {
	limit := s.clock(now)
	for _, at := range []*atomic.Int64{&s.beatAt, &s.heardAt, &s.socket.writingAt} {
		if old := at.Load(); old != 0 {
			at.CompareAndSwap(old, min(old+int64(pause), limit)) // else it was set again in the meantime
		}
	}
}
