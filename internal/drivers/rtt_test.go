package drivers

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// TestRoundTripIsMeasured: not at once, because the first heartbeats are sufficient, and then once a minute.
func TestRoundTripIsMeasured(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("d-1", "")
		var pings atomic.Int32
		p.OnPing = func() {
			pings.Add(1)
			<-time.After(30 * time.Millisecond) // the round-trip time
		}
		go p.keepAlive()
		rtt := func() time.Duration {
			synctest.Wait()
			d, _ := w.r.Driver("d-1")
			return d.RTT
		}
		swarmtest.Advance(PingAfter - time.Second)
		if got := rtt(); got != 0 || pings.Load() != 0 {
			t.Errorf("after %v the round trip is %v, of %d pings", PingAfter-time.Second, got, pings.Load())
		}
		swarmtest.Advance(2 * time.Second)
		if got := rtt(); got != 30*time.Millisecond || pings.Load() != 1 {
			t.Errorf("the round trip is %v, of %d pings; want 30ms of one", got, pings.Load())
		}
		swarmtest.Advance(3 * RTTEvery)
		if rtt(); pings.Load() != 4 {
			t.Errorf("%d pings, want one a minute", pings.Load())
		}
	})
}
