package live

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/web/internal/page"
)

// held is a source that takes so long to look at the world.
type held time.Duration

func (h held) Tick(context.Context) map[string][][]byte {
	<-time.After(time.Duration(h))
	return nil
}

func (held) Render(context.Context, string) (page.Live, error) { return page.Live{}, nil }

// TestRest: after a tick the hub rests nine times as long as that took, and never so long that what is shown is old.
func TestRest(t *testing.T) {
	for took, want := range map[time.Duration]time.Duration{
		10 * time.Millisecond:  500 * time.Millisecond, // the tick itself
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
