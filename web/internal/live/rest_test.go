package live

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/web/internal/page"
)

// held is a source whose ticks take this long.
type held time.Duration

func (h held) Tick(context.Context) map[string][][]byte {
	<-time.After(time.Duration(h))
	return nil
}

func (held) Render(context.Context, string) (page.Live, error) { return page.Live{}, nil }

// TestRest: after a tick the hub pauses nine times as long as the tick took, but never until a page is out of date.
func TestRest(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		10 * time.Millisecond:  500 * time.Millisecond, // the interval of ticks
		100 * time.Millisecond: 900 * time.Millisecond,
		time.Minute:            maxRest,
	} {
		synctest.Test(t, func(t *testing.T) {
			h := New(Config{Source: held(took)})
			h.viewers = 1
			if rest := h.tick(t.Context()); rest != want {
				t.Errorf("after a tick of %v it rests %v, want %v", took, rest, want)
			}
		})
	}
}
