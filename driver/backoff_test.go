package driver

import (
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// whole is a jitter that always returns the longest wait.
func whole(span time.Duration) time.Duration { return span }

func TestBackoffGrowsToTheCap(t *testing.T) {
	b := backoff{servers: 1, jitter: whole}
	for i, want := range []time.Duration{500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000} {
		if got := b.next(0); got != want*time.Millisecond {
			t.Errorf("attempt %d waits up to %v, want %v", i, got, want*time.Millisecond)
		}
	}
	for range 1000 {
		b.next(0)
	}
	if got := b.next(0); got != wire.ReconnectCap {
		t.Errorf("after a thousand attempts: %v, want the cap", got)
	}
}

func TestBackoffResetsAfterHealthOnly(t *testing.T) {
	b := backoff{servers: 1, jitter: whole}
	b.next(0)
	b.reset(wire.StableAfter - 1)
	if got := b.next(0); got != 2*wire.ReconnectBase {
		t.Errorf("after a short session: %v, want %v", got, 2*wire.ReconnectBase)
	}
	b.reset(wire.StableAfter)
	if got := b.next(0); got != wire.ReconnectBase {
		t.Errorf("after a stable session: %v, want %v", got, wire.ReconnectBase)
	}
}

func TestBackoffKeepsTheFloor(t *testing.T) {
	none := func(time.Duration) time.Duration { return 0 }
	for _, c := range []struct {
		name        string
		action      wire.Action
		floor, want time.Duration
	}{
		{"reconnect", wire.Reconnect, 0, 0},
		{"reconnect after a hint", wire.Reconnect, 700 * time.Millisecond, 700 * time.Millisecond},
		{"back off", wire.BackOff, 0, 2 * time.Second},
		{"back off, short hint", wire.BackOff, time.Second, 2 * time.Second},
		{"back off, long hint", wire.BackOff, time.Minute, time.Minute},
	} {
		b := backoff{servers: 1, jitter: none}
		if got := b.next(holdAfter(c.action, c.floor)); got != c.want {
			t.Errorf("%s: at least %v, want %v", c.name, got, c.want)
		}
	}
}

func TestJitterIsFull(t *testing.T) {
	var low, high int
	for range 1000 {
		b := newBackoff(1)
		d := b.next(0)
		if d < 0 || d >= wire.ReconnectBase {
			t.Fatalf("waits %v, want less than %v", d, wire.ReconnectBase)
		}
		if d < wire.ReconnectBase/4 {
			low++
		} else if d >= wire.ReconnectBase*3/4 {
			high++
		}
	}
	if low < 150 || high < 150 { // 250 are expected of each
		t.Errorf("of 1000 waits %d are in the first quarter and %d in the last", low, high)
	}
}
