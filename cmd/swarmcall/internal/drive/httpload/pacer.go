package httpload

import (
	"context"
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// pacer tells vegeta when to send a hit, and runs the players of the ramp.
type pacer interface {
	vegeta.Pacer
	play(ctx context.Context) // runs one player until ctx ends
	over()                    // must be called for each result
	close()                   // ends the attack
}

// users are closed-loop: each has at most one request in flight. All hits are alike, so a user waits for the end of any
// hit, not of its own.
type users struct {
	turns chan struct{} // a user is ready
	ends  chan struct{} // a hit is over
	done  chan struct{}
}

func newUsers() *users {
	return &users{turns: make(chan struct{}), ends: make(chan struct{}), done: make(chan struct{})}
}

// Pace waits for a user that is ready.
func (u *users) Pace(time.Duration, uint64) (time.Duration, bool) {
	select {
	case <-u.turns:
		return 0, false
	case <-u.done:
		return 0, true
	}
}

// Rate is for vegeta's reports, which are not used here.
func (u *users) Rate(time.Duration) float64 { return 0 }

func (u *users) play(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		default: // after ctx has ended, send no further request even if Pace waits
		}
		select {
		case <-ctx.Done():
			return
		case u.turns <- struct{}{}:
			<-u.ends // even if ctx has ended: each turn must receive one end
		}
	}
}

func (u *users) over()  { u.ends <- struct{}{} }
func (u *users) close() { close(u.done) }

// burst bounds how much of a delay a pacer makes up for at once.
const burst = 100 * time.Millisecond

// rate is an open load of one hit per second and player.
type rate struct {
	players atomic.Int64
	changed chan struct{} // wakes Pace: there are more or fewer players
	done    chan struct{}

	last time.Time // when the last hit was due; only Pace uses it
}

func newRate() *rate {
	return &rate{changed: make(chan struct{}, 1), done: make(chan struct{})}
}

// Pace waits until the next hit is due.
func (r *rate) Pace(time.Duration, uint64) (time.Duration, bool) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(r.wait(time.Now()))
		select {
		case <-r.done:
			return 0, true
		case <-r.changed:
		case <-timer.C:
			if n := r.players.Load(); n > 0 {
				r.hit(time.Now(), n)
				return 0, false
			}
		}
	}
}

// wait returns the time until the next hit is due; an hour if there are no players.
func (r *rate) wait(now time.Time) time.Duration {
	n := r.players.Load()
	if n == 0 {
		return time.Hour
	}
	return max(0, r.last.Add(time.Second/time.Duration(n)).Sub(now))
}

// hit records a hit. It makes up for a delay of at most burst: after a pause, the missed hits must not arrive as a
// wave.
func (r *rate) hit(now time.Time, n int64) {
	r.last = r.last.Add(time.Second / time.Duration(n))
	if r.last.Before(now.Add(-burst)) {
		r.last = now
	}
}

// Rate is for vegeta's reports, which are not used here.
func (r *rate) Rate(time.Duration) float64 { return float64(r.players.Load()) }

func (r *rate) play(ctx context.Context) {
	r.add(1)
	defer r.add(-1)
	<-ctx.Done()
}

func (r *rate) add(n int64) {
	r.players.Add(n)
	select {
	case r.changed <- struct{}{}:
	default: // a wake-up is pending already
	}
}

func (r *rate) over()  {}
func (r *rate) close() { close(r.done) }
