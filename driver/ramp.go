package driver

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Ramp is a handler that runs players: it starts or ends one player per spawn delay until the target is reached. A Stop
// ends all of them and the ramp at once. Each player is a goroutine.
type Ramp struct {
	play    func(context.Context)
	running atomic.Int64  // players whose goroutine runs, including those that are ending
	changed chan struct{} // wakes the ramp: the target or the delay has changed
	end     context.CancelFunc
	all     sync.WaitGroup // the ramp's goroutine and the players'

	mu     sync.Mutex
	target int64
	delay  time.Duration
	lives  []*life // players that run and were not asked to end
}

// life is one running player.
type life struct {
	leave context.CancelFunc
	at    int // its index in Ramp.lives; -1: removed
}

// NewRamp returns a ramp with zero players and a spawn delay (0: all at once), until a command changes them.
//
// Play runs one player: it starts it, plays until its context ends, and ends it. A player that returns earlier is not
// replaced before the next command; State reports how many there are. The ramp runs until Close.
func NewRamp(spawnDelay time.Duration, play func(context.Context)) *Ramp {
	ctx, end := context.WithCancel(context.Background())
	r := &Ramp{play: play, delay: spawnDelay, changed: make(chan struct{}, 1), end: end}
	r.all.Go(func() { r.run(ctx) })
	return r
}

// Apply accepts a command's target. It does not wait for the ramp.
func (r *Ramp) Apply(_ context.Context, c Command) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch c.Type {
	case SetPlayers:
		r.target = c.Players
	case SetSpawnDelay:
		r.delay = c.SpawnDelay()
	case Stop:
		r.stop()
	default:
		return unsupported(c.Type)
	}
	select {
	case r.changed <- struct{}{}:
	default: // a wake-up is already pending
	}
	return nil
}

// State reports how many players run, including those that are ending; use it as Config.State. Running is true while
// any player runs or the target is above 0.
func (r *Ramp) State() State {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.running.Load()
	return State{Players: n, SpawnDelayMS: r.delay.Milliseconds(), Running: n > 0 || r.target > 0}
}

// Target returns the number of players that the last command set.
func (r *Ramp) Target() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.target
}

// Close ends all players, waits for them, and ends the ramp. Call it after Run has returned.
func (r *Ramp) Close() {
	r.end()
	r.all.Wait()
}

// run ramps until ctx ends, which ends the players too.
func (r *Ramp) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var last time.Time // time of the last step
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.changed:
		case <-timer.C:
		}
		delay, settled := r.pace()
		if wait := time.Until(last.Add(delay)); wait > 0 && !settled {
			timer.Reset(wait) // the delay counts from the last step, however often the target changes
			continue
		}
		for ctx.Err() == nil && r.step(ctx) {
			last = time.Now()
			if delay > 0 {
				timer.Reset(delay)
				break
			}
		}
	}
}

func (r *Ramp) pace() (delay time.Duration, settled bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.delay, int64(len(r.lives)) == r.target
}

// step starts one player, or asks the newest one to end. It reports whether there was anything to do.
func (r *Ramp) step(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := int64(len(r.lives))
	switch {
	case n < r.target:
		r.start(ctx)
	case n > r.target:
		r.lives[n-1].leave()
		r.remove(r.lives[n-1])
	}
	return n != r.target
}

// start starts one player. The caller holds the lock.
func (r *Ramp) start(ctx context.Context) {
	ctx, leave := context.WithCancel(ctx)
	l := &life{leave: leave, at: len(r.lives)}
	r.lives = append(r.lives, l)
	r.running.Add(1)
	r.all.Go(func() {
		defer r.running.Add(-1)
		r.play(ctx)
		leave()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.remove(l)
	})
}

// remove removes l from the list; the last player moves to its index. The caller holds the lock.
func (r *Ramp) remove(l *life) {
	if l.at < 0 {
		return
	}
	last := r.lives[len(r.lives)-1]
	r.lives[l.at], last.at = last, l.at
	r.lives = r.lives[:len(r.lives)-1]
	l.at = -1
}

// stop asks every player to end at once, without the ramp. The caller holds the lock.
func (r *Ramp) stop() {
	r.target = 0
	for _, l := range r.lives {
		l.leave()
		l.at = -1
	}
	r.lives = nil
}
