package driver

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// backoff counts the attempts to connect and computes the wait before the next.
type backoff struct {
	attempts int
	jitter   func(time.Duration) time.Duration // returns 0 to less than its argument
}

func newBackoff() backoff { return backoff{jitter: rand.N[time.Duration]} }

// next returns the wait before the next attempt: at least floor, which the server requested, plus full jitter.
func (b *backoff) next(action wire.Action, floor time.Duration) time.Duration {
	if action == wire.BackOff {
		floor = max(floor, 4*wire.ReconnectBase)
	}
	span := wire.ReconnectCap
	if doubled := wire.ReconnectBase << b.attempts; doubled < span {
		span = doubled
		b.attempts++ // not beyond the cap, so that the shift cannot overflow
	}
	return floor + b.jitter(span)
}

// reset restarts the count if a session was healthy for long enough.
func (b *backoff) reset(health time.Duration) {
	if health >= wire.StableAfter {
		b.attempts = 0
	}
}

// sleep waits for d, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
