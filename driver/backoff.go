package driver

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// backoff counts the attempts to connect and computes the wait before the next. With several servers the wait grows
// once per round over all of them, so that one that cannot be reached does not delay the others.
type backoff struct {
	servers  int
	attempts int
	jitter   func(time.Duration) time.Duration // returns 0 to less than its argument
}

func newBackoff(servers int) backoff { return backoff{servers: servers, jitter: rand.N[time.Duration]} }

// holdAfter returns how long a server must be left alone: for what it requested, and longer after some close codes.
func holdAfter(action wire.Action, requested time.Duration) time.Duration {
	if action == wire.BackOff {
		return max(requested, 4*wire.ReconnectBase)
	}
	return requested
}

// next returns the wait before the next attempt: floor plus full jitter.
func (b *backoff) next(floor time.Duration) time.Duration {
	span := wire.ReconnectCap
	if doubled := wire.ReconnectBase << (b.attempts / b.servers); doubled < span {
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
