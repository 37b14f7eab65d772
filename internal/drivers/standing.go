package drivers

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

const (
	judgeEvery = time.Second     // how often the credential of each session is judged, or with the next sweep
	cutAfter   = 2 * time.Second // a revoked session is cut so long after its close, if the peer has not ended it
)

// judge asks what has become of the principal of every session, registered or not. The sweeper calls it without the
// lock, because there may be many principals.
func (r *Registry) judge(now time.Time) {
	if r.cfg.Standing == nil || now.Sub(r.judgedAt) < judgeEvery {
		return
	}
	r.judgedAt = now
	standings := standings{ask: r.cfg.Standing, known: map[string][]standing{}}
	for _, s := range r.everySession() {
		switch standings.of(s.principal) {
		case swarm.StandingValid:
		case swarm.StandingChanged, swarm.StandingExpired:
			r.retireSoon(s, now)
		case swarm.StandingRevoked:
			if detail, closed := r.revoke(s, now); closed {
				s.reportRefused(swarm.CodeUnauthenticated, s.driverID(), detail)
			}
		}
	}
}

func (r *Registry) everySession() []*session {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*session, 0, len(r.sessions))
	for s := range r.sessions {
		all = append(all, s)
	}
	return all
}

// standings remembers the answers of one sweep: many drivers share one credential.
type standings struct {
	ask   func(swarm.Principal) swarm.Standing
	known map[string][]standing // by credential; several only after the rights of one have changed
}

type standing struct {
	of   swarm.Principal
	what swarm.Standing
}

func (c standings) of(p swarm.Principal) swarm.Standing {
	for _, k := range c.known[p.Credential] {
		if k.of.Same(p) && k.of.Expires.Equal(p.Expires) {
			return k.what
		}
	}
	what := c.ask(p)
	c.known[p.Credential] = append(c.known[p.Credential], standing{p, what})
	return what
}

// retireSoon makes a session retire at a random moment within changeSpan, so that not all drivers of a credential are
// away at the same time.
func (r *Registry) retireSoon(s *session, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if limit := now.Add(changeSpan); s.retireAt.IsZero() || s.retireAt.After(limit) {
		s.retireAt = now.Add(rand.N(changeSpan)) //nolint:gosec // spreads load; not a secret
	}
	if by := now.Add(changeSpan + patience); s.retireBy.IsZero() || s.retireBy.After(by) {
		s.retireBy = by
	}
}

// revoke closes a session at once. Until the connection has ended, it is no target of new commands.
func (r *Registry) revoke(s *session, now time.Time) (detail string, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !s.cutAt.IsZero() {
		return "", false
	}
	s.cutAt = now.Add(cutAfter)
	s.dismissed = true
	s.retiring.Store(true)
	r.noteRetiring(s)
	delete(r.retiring, s)
	detail = fmt.Sprintf("the credential of %s is not valid any more", s.principal.Name)
	s.refuse(wire.ErrorRevoked, detail)
	s.outbox.close(wire.CloseCredential)
	return detail, true
}
