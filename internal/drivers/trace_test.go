package drivers

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// TestTraceparentReachesDrivers: a frame has the traceparent of its command, and no member of that name without one.
func TestTraceparentReachesDrivers(t *testing.T) {
	inWorld(t, func(w *world) {
		const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		p, _ := w.join("a", "")
		for at, traceparent := range []string{parent, ""} {
			w.issue(swarm.Issue{
				Seq: uint64(2 + at), Command: set10, Targets: []string{"a"}, Deadline: time.Second,
				Traceparent: traceparent,
			})
			var frame json.RawMessage
			p.receive(&frame)
			if has := strings.Contains(string(frame), "traceparent"); has != (traceparent != "") ||
				has && !strings.Contains(string(frame), `"traceparent":"`+parent+`"`) {
				t.Errorf("with %q: %s", traceparent, frame)
			}
		}
		w.r.Reset(4)
		var frame json.RawMessage
		if p.receive(&frame); strings.Contains(string(frame), "traceparent") {
			t.Errorf("the Stop of a reset: %s", frame)
		}
	})
}
