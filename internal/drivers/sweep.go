package drivers

import (
	"context"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Limits of a session, besides those of package wire.
const (
	WriteTimeout = 10 * time.Second // a write without progress for this long ends the session
	PingAfter    = 15 * time.Second // a driver that was silent for this long is pinged
	RTTEvery     = time.Minute      // other drivers are pinged this often, for the round trip; first after PingAfter
	// at most this many such pings per sweep, so that a large swarm is not pinged at once
	rttPings = 100
)

// Run sweeps until ctx ends: it ends sessions that do not read or are silent for too long, pings sessions that have
// become silent, and forgets lost drivers. One sweep checks every session, so that none needs a timer.
func (r *Registry) Run(ctx context.Context) {
	r.sweep(time.Now())
	tick := time.NewTicker(r.cfg.sweepEvery())
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			r.sweep(time.Now())
		}
	}
}

func (r *Registry) sweep(now time.Time) {
	due := r.sweepOnce(now, r.cfg.Leads == nil || r.cfg.Leads())
	r.judge(now)
	for _, total := range due.resplits {
		r.requests.Resplit(total.seq, total.change, total.drivers)
	}
	if len(due.expired) > 0 {
		r.requests.Expire(due.expired)
	}
	if due.reset != "" {
		r.requests.Reset(due.reset)
	}
	if due.pause > 0 {
		r.logger.Warn("this process was paused; the pause does not count against any driver", "paused", due.pause)
	}
}

// due is what a sweep found that must be requested after the lock is released.
type due struct {
	pause    time.Duration // how long this process was paused before it
	resplits []resplit
	expired  []*swarm.Expired
	reset    string // its cause, "" for none
}

// sweepOnce is one sweep. leads says that this node requests what all nodes see alike.
func (r *Registry) sweepOnce(now time.Time, leads bool) (out due) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out.pause = r.excusePause(now)
	r.checkSessions(now)
	r.forgetLost(now)
	r.former.trim(now.Add(-r.cfg.ForgetAfter))
	r.claims.trim(now.Add(-r.cfg.ForgetAfter))
	if now.Sub(r.startedAt) >= r.cfg.knownFor() {
		r.owners = nil // drivers that have not returned are forgotten
	}
	r.applyPolicies(now, leads, &out)
	return out
}

// applyPolicies finds what the policies request. While drivers of other nodes may not be known, they request nothing.
// Every node forgets rules that match no driver; only one requests what goes into the log. The lock is held.
func (r *Registry) applyPolicies(now time.Time, leads bool, out *due) {
	complete, open := r.rosters.known(), r.open+r.elsewhere
	if open > 0 || !complete {
		r.empty.seen(now)
	}
	if !complete {
		return
	}
	if r.idle.due(now) {
		out.expired = r.checkIdle(now)
	}
	if !leads {
		out.expired = nil
		return
	}
	if r.resplits.on() {
		out.resplits = r.resplits.due(now, r.desired.Splits(), r)
	}
	out.reset = r.empty.check(now, open, r.desired)
}

func (r *Registry) forgetLost(now time.Time) {
	for _, m := range r.members {
		if !r.forgotten(m, now) {
			continue
		}
		if m.away == nil {
			r.depart(m, m.lostAt, false)
		}
		r.drop(m)
	}
	r.departures.trim(now.Add(-r.cfg.knownFor()))
}

func (r *Registry) checkIdle(now time.Time) []*swarm.Expired {
	known := knownIndex{r: r, now: now}
	expired, forgot := r.idle.check(now, r.desired, known.matches)
	if forgot {
		r.shown = nil
	}
	if now.Sub(r.startedAt) >= r.cfg.ForgetAfter {
		r.desired.ForgetFixed(func(id string) bool { return r.members[id] != nil })
	}
	return expired
}

func (r *Registry) checkSessions(now time.Time) {
	late := max(30*time.Second, 10*r.cfg.StaleAfter)
	pings := rttPings
	for s := range r.sessions {
		r.rotate(s, now)
		r.noteStale(s, now)
		switch silent := s.silence(now); {
		case s.over.Load(): // it closes its connection itself
		case s.socket.blocked(now) >= WriteTimeout:
			s.endWith(swarm.ReasonWriteTimeout)
		case silent >= late:
			s.outbox.close(wire.CloseLate)
		case r.leases.suspended.Load():
		case silent >= PingAfter:
			s.pingOnce()
		case pings > 0 && s.rttDue(now):
			pings--
			s.pingOnce()
		}
	}
}

// noteStale makes the other nodes see that a driver has become stale, or is not any more. The lock is held.
func (r *Registry) noteStale(s *session, now time.Time) {
	if s.member == nil || s.member.session != s {
		return
	}
	if stale := !s.active(now); stale != s.stale {
		s.stale = stale
		r.touch(s.member)
	}
}

// Open returns how many drivers have an open session on this node.
func (r *Registry) Open() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.open
}

// Shutdown sends every driver a drain frame and close code 1001, and accepts no new ones. It returns when all sessions
// have ended; sessions that have not ended when ctx ends are closed at once.
func (r *Registry) Shutdown(ctx context.Context) {
	r.cancel()
	r.mu.Lock()
	r.accepting = false
	for s := range r.sessions {
		s.drain(wire.ReconnectBase)
	}
	r.mu.Unlock()
	gone := make(chan struct{})
	go func() { // ends with the last session, which the cut below guarantees
		r.running.Wait()
		close(gone)
	}()
	select {
	case <-gone:
		return
	case <-ctx.Done():
	}
	r.mu.Lock()
	for s := range r.sessions {
		s.kill()
	}
	r.mu.Unlock()
	<-gone
}
