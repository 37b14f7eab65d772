package drivers

import (
	"math/rand/v2"
	"time"

	"github.com/swarmcall/swarmcall/command"
)

// A driver whose credential expires or has changed must connect again with the token that it then reads. No command may
// be missing because of that, so such a session ends between commands:
//
//   - From a random moment on it retires: it is no target of new commands. It still receives them, as a stale one does.
//   - It ends when nothing waits for it: it has answered what it was a target of, or the deadlines have passed, and the
//     dispatcher has offered every command whose targets were chosen before the session began to retire.
//
// Both are decided under the registry's lock, as the choice of targets and Offer are.

const (
	rotationSpan  = time.Minute            // before a credential expires: its sessions begin to retire within it
	changeSpan    = 2 * time.Second        // after a credential has changed: the same
	patience      = 3 * time.Second        // after that, a session ends whatever it has not answered
	reconnectSpan = 100 * time.Millisecond // drivers wait a random time below this before they reconnect
)

// retirement says when a session began to retire, and from when on it may end; zero: that is not decided yet.
type retirement struct{ began, endFrom time.Time }

// early reports whether the session may not end yet.
func (t retirement) early(now time.Time) bool { return t.endFrom.IsZero() || now.Before(t.endFrom) }

// rotation returns when a session that begins now begins to retire, because its credential expires, and when it ends at
// the latest. A session that begins shortly before the expiry lives for at least half of what is left. So a driver
// that still has the old token then reconnects a few times only.
func rotation(expires, now time.Time) (at, by time.Time) {
	if expires.IsZero() {
		return at, by
	}
	span := rotationSpan
	if left := expires.Sub(now); left < rotationSpan {
		span = left / 2
	}
	return expires.Add(-rand.N(max(1, span))), expires.Add(patience) //nolint:gosec // spreads load; not a secret
}

// inherit takes over what an older session of the same driver has not answered: its rounds wait for the driver, and
// this session has received the commands. The registry's lock is held.
func (s *session) inherit(old *session) {
	if old.targeted > old.answered.Load() {
		s.targeted, s.dueBy = old.targeted, old.dueBy
	}
}

// awaitAnswer records that a command was put into the outbox of an open member that is one of its targets. The
// registry's lock is held.
func (m *member) awaitAnswer(seq uint64, t command.Type, dueBy time.Duration) {
	if !m.supports(t) {
		return // its verdict is known
	}
	s := m.session
	if s.targeted <= s.answered.Load() || dueBy > s.dueBy { // drivers answer in order: of several, the newest counts
		s.dueBy = dueBy
	}
	s.targeted = seq
}

// awaited reports whether a verdict waits for this session. The registry's lock is held.
func (s *session) awaited(now time.Time) bool {
	return s.targeted > s.answered.Load() && now.Sub(s.r.startedAt) < s.dueBy
}

// rotate makes a session retire when it is due, ends a retired one, and cuts a revoked one. The sweeper calls it for
// each session. The lock is held.
func (r *Registry) rotate(s *session, now time.Time) {
	switch {
	case !s.cutAt.IsZero() && !now.Before(s.cutAt):
		s.kill()
	case s.dismissed || s.retireAt.IsZero() || now.Before(s.retireAt):
	default:
		r.retire(s, now, true)
		r.endIfFree(s, now)
	}
}

// retire makes a session retire, unless it does already. With end it may end as soon as every node knows that. The lock
// is held.
func (r *Registry) retire(s *session, now time.Time, end bool) {
	if s.retiring.Swap(true) {
		return
	}
	how := retirement{began: now}
	if end {
		how.endFrom = r.noticed(how)
	}
	r.retiring[s] = how
	r.noteRetiring(s)
}

// noteRetiring makes the other nodes see that a session retires. The lock is held.
func (r *Registry) noteRetiring(s *session) {
	if s.member != nil && s.member.session == s {
		r.touch(s.member)
		r.signal()
	}
}

// endIfFree ends a retiring session for which nothing waits, or that has had enough time. The lock is held.
func (r *Registry) endIfFree(s *session, now time.Time) {
	overdue := !s.retireBy.IsZero() && !now.Before(s.retireBy)
	needed := s.member != nil && (r.choosing || s.awaited(now))
	if s.dismissed || (needed || r.retiring[s].early(now)) && !overdue {
		return
	}
	s.dismissed = true
	delete(r.retiring, s)
	s.drain(rand.N(reconnectSpan)) //nolint:gosec // spreads load; not a secret
}

// endRetired ends a retiring session that has just answered, unless it is still needed.
func (r *Registry) endRetired(s *session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.endIfFree(s, time.Now())
}

// Settled ends the retiring sessions that waited for commands whose targets had been chosen.
func (r *Registry) Settled() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.choosing = false
	if len(r.retiring) == 0 {
		return
	}
	now := time.Now()
	for s := range r.retiring {
		r.endIfFree(s, now)
	}
}
