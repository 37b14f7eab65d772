package driver

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// backoff counts the attempts to connect and says how long to wait before the next.
type backoff struct {
	attempts int
	jitter   func(time.Duration) time.Duration // of 0 to less than its argument
}

func newBackoff() backoff { return backoff{jitter: rand.N[time.Duration]} }

// next returns the wait before the next attempt: at least floor, which is what the server asked for, and full jitter.
func (b *backoff) next(action wire.Action, floor time.Duration) time.Duration {
	if action == wire.BackOff {
		floor = max(floor, 4*wire.ReconnectBase)
	}
	span := wire.ReconnectCap
	if doubled := wire.ReconnectBase << b.attempts; doubled < span {
		span = doubled
		b.attempts++ // no further once the cap is met, so that the shift cannot overflow
	}
	return floor + b.jitter(span)
}

// reset starts the count anew if a session was healthy for long enough.
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
