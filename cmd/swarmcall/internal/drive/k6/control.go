package k6

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

var errStopped = errors.New("k6 reports that its run was stopped")

// control moves k6 to the desired VUs. Only the goroutine of run sends changes: k6 applies them one after the other
// anyway.
type control struct {
	api  *api
	log  *slog.Logger
	wake chan struct{}

	mu      sync.Mutex
	ramp    ramp
	goals   int        // counts the targets that were set
	waiting chan error // for the command whose first step is pending; nil: none
}

func newControl(a *api, log *slog.Logger, at status) *control {
	return &control{api: a, log: log, wake: make(chan struct{}, 1),
		ramp: ramp{now: at.VUs, max: at.VUsMax, target: at.VUs}}
}

// run sends changes until ctx ends.
func (c *control) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait, settled := c.due(time.Now())
		if settled {
			wait = time.Hour // until it is woken
		}
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
			continue // the due time may have changed
		case <-timer.C:
		}
		if !settled {
			c.step(ctx)
		}
	}
}

func (c *control) due(now time.Time) (wait time.Duration, settled bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ramp.due(now), c.ramp.settled()
}

// step sends one change. If k6 refuses it, the ramp ends at the present VUs.
func (c *control) step(ctx context.Context) {
	c.mu.Lock()
	n := c.ramp.next(time.Now())
	initialised := max(n, c.ramp.max)
	goal, waiting := c.goals, c.waiting // a command that comes meanwhile waits for the next step
	c.waiting = nil
	c.mu.Unlock()
	s, err := c.api.patch(ctx, change{VUs: &n, VUsMax: &initialised})
	if err == nil && s.Stopped {
		err = errStopped
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	current := goal == c.goals // false: a new target was set meanwhile
	if current {
		c.ramp.fresh = false
	}
	if err == nil {
		c.ramp.stepApplied(n, time.Now())
	} else {
		c.log.Error("k6 did not accept a step of the ramp", "vus", n, "error", err)
	}
	if err != nil && current {
		c.ramp.target, c.ramp.urgent = c.ramp.now, false
	}
	if waiting != nil {
		waiting <- err // does not block: buffered
	}
}

// setTarget sets the target of the ramp to n. The returned channel receives the result of the first step; it is nil if
// that is not due yet.
func (c *control) setTarget(n int64, urgent bool) <-chan error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ramp.target, c.ramp.urgent, c.ramp.fresh = n, urgent, true
	c.goals++
	c.waiting = nil
	if c.ramp.due(time.Now()) == 0 {
		c.waiting = make(chan error, 1)
	}
	c.rouse()
	return c.waiting
}

// setDelay sets the time between two VUs.
func (c *control) setDelay(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ramp.delay = d
	c.rouse()
}

// rouse wakes run.
func (c *control) rouse() {
	select {
	case c.wake <- struct{}{}:
	default: // a wake-up is pending already
	}
}

// state returns what runs, for the number of VUs that k6 reports.
func (c *control) state(vus int64) driver.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return driver.State{Players: vus, SpawnDelayMS: c.ramp.delay.Milliseconds(), Running: vus > 0 || c.ramp.target > 0}
}
