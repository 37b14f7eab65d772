package driver

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// beat waits for the next heartbeat and returns it with the time since start.
func (p *peer) beat(start time.Time) (wire.Heartbeat, time.Duration) {
	p.t.Helper()
	h := expect[wire.Heartbeat](p, wire.TypeHeartbeat)
	return h, time.Since(start)
}

func TestHeartbeatInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{}, &recorder{})
		p, _ := server.welcome()
		start := time.Now()
		for i := 1; i <= 3; i++ {
			if _, at := p.beat(start); at != time.Duration(i)*time.Second {
				t.Errorf("heartbeat %d after %v", i, at)
			}
		}
		p.send(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck}) // changes nothing
		if _, at := p.beat(start); at != 4*time.Second {
			t.Errorf("after a plain heartbeat_ack: next at %v, want 4s", at)
		}
		p.send(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck, HeartbeatIntervalMS: 5000})
		for _, want := range []time.Duration{9 * time.Second, 14 * time.Second} {
			if _, at := p.beat(start); at != want {
				t.Errorf("heartbeat at %v, want %v: the server changed the interval to 5 s", at, want)
			}
		}
	})
}

// TestHeartbeatIntervalOnlyTheLatestCounts changes the interval twice before the first heartbeat.
func TestHeartbeatIntervalOnlyTheLatestCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{}, &recorder{})
		p := server.connection()
		p.send(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck, HeartbeatIntervalMS: 3000})
		p.send(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck, HeartbeatIntervalMS: 5000})
		p.send(registered())
		start := time.Now()
		if _, at := p.beat(start); at != 5*time.Second {
			t.Errorf("heartbeat at %v, want 5s", at)
		}
	})
}

func TestHeartbeatIntervalNotSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{}, &recorder{})
		p := server.connection()
		p.sendText([]byte(`{"type":"registered"}`))
		start := time.Now()
		if _, at := p.beat(start); at != defaultInterval {
			t.Errorf("heartbeat at %v, want %v", at, defaultInterval)
		}
	})
}

// TestHeartbeatsDoNotWaitForTheHandler: otherwise the server would take a busy driver for a hung one.
func TestHeartbeatsDoNotWaitForTheHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{}, HandlerFunc(func(context.Context, Command) error {
			<-time.After(10500 * time.Millisecond)
			return nil
		}))
		p, _ := server.welcome()
		start := time.Now()
		p.command(6, players(80))
		for i := 1; i <= 12; i++ {
			h, at := p.beat(start)
			var want wire.Heartbeat
			switch want = (wire.Heartbeat{Type: wire.TypeHeartbeat, State: &wire.State{}}); {
			case i > 10:
				want.AppliedSeq, want.State = 6, &wire.State{Players: 80, Running: true}
			}
			if at != time.Duration(i)*time.Second || !reflect.DeepEqual(h, want) {
				t.Errorf("heartbeat %d at %v: %+v, want %+v", i, at, h, want)
			}
		}
	})
}

func TestHeartbeatMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		figures := make(chan map[string]float64, 1)
		server.drive(Config{Metrics: func() map[string]float64 { return <-figures }}, &recorder{})
		p, _ := server.welcome()
		many, first, long := map[string]float64{}, map[string]float64{}, map[string]float64{}
		for i := range 100 {
			many[fmt.Sprintf("figure-%02d", i)] = 0
			if i < wire.MaxMetrics {
				first[fmt.Sprintf("figure-%02d", i)] = 0
			}
			long[fmt.Sprintf("%02d-", i)+strings.Repeat("\\", 253)] = 0 // 1 byte of the name, 2 of the frame
		}
		for _, c := range []struct{ in, want map[string]float64 }{
			{map[string]float64{"rps": 412.5, "errors": 0}, map[string]float64{"rps": 412.5, "errors": 0}},
			{map[string]float64{"rps": math.NaN(), "p50": math.Inf(1), "p99": math.Inf(-1), "\xff": 1, "a\nb": 1,
				strings.Repeat("x", 257): 1, "ok": -1}, map[string]float64{"ok": -1}},
			{nil, nil},
			{many, first},
			{long, nil},
			{map[string]float64{"rps": 1}, map[string]float64{"rps": 1}},
		} {
			figures <- c.in
			if h := expect[wire.Heartbeat](p, wire.TypeHeartbeat); !reflect.DeepEqual(h.Metrics, c.want) {
				t.Errorf("metrics %v, want %v", h.Metrics, c.want)
			}
		}
		close(figures)
	})
}
