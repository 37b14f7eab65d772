package demo

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// players runs simulated players: goroutines that come and go one at a time, a spawn delay apart, until as many run as are
// wanted. One goroutine, that of run, spawns them and waits for them.
type players struct {
	play    func(context.Context) // one player's life; it must end with its context
	running atomic.Int64          // players whose goroutine runs, leaving ones included
	changed chan struct{}         // wakes the ramp: the target or the delay is another

	mu     sync.Mutex
	target int64
	delay  time.Duration
	leave  []context.CancelFunc // of the players that have not been told to leave, oldest first
}

func newPlayers(delay time.Duration, play func(context.Context)) *players {
	return &players{play: play, delay: delay, changed: make(chan struct{}, 1)}
}

// run ramps until ctx ends. All players have left when it returns.
func (p *players) run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last time.Time // of the last step
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.changed:
		case <-timer.C:
		}
		delay, settled := p.pace()
		if wait := time.Until(last.Add(delay)); wait > 0 && !settled {
			timer.Reset(wait) // the delay counts from the last step, however often the target moves
			continue
		}
		for p.step(ctx, &all) {
			last = time.Now()
			if delay > 0 {
				timer.Reset(delay)
				break
			}
		}
	}
}

func (p *players) pace() (delay time.Duration, settled bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.delay, int64(len(p.leave)) == p.target
}

// step brings one player, or tells the newest one to leave. It reports whether there was anything to do.
func (p *players) step(ctx context.Context, all *sync.WaitGroup) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := int64(len(p.leave))
	switch {
	case n < p.target:
		life, leave := context.WithCancel(ctx)
		p.leave = append(p.leave, leave)
		p.running.Add(1)
		all.Go(func() {
			defer p.running.Add(-1)
			p.play(life)
		})
	case n > p.target:
		p.leave[n-1]()
		p.leave = p.leave[:n-1]
	}
	return n != p.target
}

// setTarget has the ramp head for n players.
func (p *players) setTarget(n int64) {
	p.mu.Lock()
	p.target = n
	p.mu.Unlock()
	p.wake()
}

// setDelay sets the time between two steps of the ramp; 0 takes all at once.
func (p *players) setDelay(d time.Duration) {
	p.mu.Lock()
	p.delay = d
	p.mu.Unlock()
	p.wake()
}

// stop tells every player to leave, now and not by the ramp.
func (p *players) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = 0
	for _, leave := range p.leave {
		leave()
	}
	p.leave = nil
}

// report says how many players run, how far apart they come, and whether any are wanted or run.
func (p *players) report() (running int64, delay time.Duration, active bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	running = p.running.Load()
	return running, p.delay, running > 0 || p.target > 0
}

func (p *players) wake() {
	select {
	case p.changed <- struct{}{}:
	default: // a wake-up is due already
	}
}
