package drivers

import (
	"sync/atomic"
	"time"
)

// A process that was stopped for a while (SIGSTOP, a suspended machine, no CPU) finds every heartbeat late, though they
// wait in the sockets. Its sweeper tells: when a sweep comes much later than it was due, nobody was there to listen,
// and the time in between counts against no driver.

func (c *Config) sweepEvery() time.Duration { return min(500*time.Millisecond, c.StaleAfter/4) }

// pauseAfter is how late after the last one a sweep must be to tell a pause.
func (c *Config) pauseAfter() time.Duration { return 2 * c.sweepEvery() }

// attended is the time by which staleness is judged: it stands still when a sweep is overdue. The lock is held.
func (r *Registry) attended(now time.Time) time.Time {
	if r.sweptAt.IsZero() {
		return now
	}
	if limit := r.sweptAt.Add(r.cfg.sweepEvery()); now.After(limit) {
		return limit
	}
	return now
}

// pausedSince reports whether this process was paused at some time from since to now.
func (r *Registry) pausedSince(since, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.resumedAt.After(since) || r.attended(now).Before(now)
}

// excusePause takes the time of a pause out of what sessions are measured by. The lock is held.
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

// excuse moves what was measured by the pause, and not past now: what was measured since the last sweep came before the
// pause or after it, and nobody knows which.
func (s *session) excuse(pause time.Duration, now time.Time) {
	limit := s.clock(now)
	for _, at := range []*atomic.Int64{&s.beatAt, &s.heardAt, &s.socket.writingAt} {
		if old := at.Load(); old != 0 {
			at.CompareAndSwap(old, min(old+int64(pause), limit)) // else it was measured again meanwhile
		}
	}
}
