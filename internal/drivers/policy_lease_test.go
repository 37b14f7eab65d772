package drivers

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// TestSuspendedLeasesAreNotRenewed: neither heartbeats nor pings are answered, no pings are sent, and no new driver is
// accepted.
func TestSuspendedLeasesAreNotRenewed(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("d-1", "")
		w.r.SuspendLeases(true)
		heard := make(chan struct{}, 1000)
		over := make(chan struct{})
		go func() {
			defer close(over)
			for {
				if _, _, err := p.ws.Read(context.Background()); err != nil {
					return
				}
				heard <- struct{}{}
			}
		}()
		for range 60 {
			p.send(`{"type":"heartbeat"}`)
			swarmtest.Advance(time.Second)
		}
		ping, cancel := context.WithTimeout(w.t.Context(), 10*time.Second)
		defer cancel()
		if err := p.ws.Ping(ping); err == nil || len(heard) > 0 {
			t.Errorf("a ping was answered (%v), or one of 60 heartbeats (%d)", err, len(heard))
		}
		_, resp, err := websocket.Dial(w.t.Context(), "ws://127.0.0.1/drivers/connect", &websocket.DialOptions{
			HTTPClient: w.net.Client(), Subprotocols: []string{wire.Subprotocol},
		})
		if err == nil || resp.StatusCode == http.StatusSwitchingProtocols {
			t.Error("a new driver was let in")
		} else {
			_ = resp.Body.Close()
		}
		w.r.SuspendLeases(false)
		p.send(`{"type":"heartbeat"}`)
		synctest.Wait()
		if len(heard) != 1 {
			t.Errorf("%d answers to the first heartbeat after, want 1", len(heard))
		}
		_ = p.ws.CloseNow()
		<-over
	})
}

func TestHeartbeatIntervalThatChanges(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("d-1", "")
		if err := w.r.SetHeartbeatInterval(2 * time.Second); err != nil {
			t.Fatal(err)
		}
		var ack wire.HeartbeatAck
		p.receive(&ack)
		_, reg := w.join("d-2", "")
		if ack.Type != wire.TypeHeartbeatAck || ack.HeartbeatIntervalMS != 2000 || reg.HeartbeatIntervalMS != 2000 {
			t.Errorf("told %+v, and at register %d ms", ack, reg.HeartbeatIntervalMS)
		}
		if w.r.SetHeartbeatInterval(3*time.Second) == nil || w.r.SetHeartbeatInterval(0) == nil {
			t.Error("a senseless interval was taken")
		}
	})
}

// TestHeartbeatIntervalIsSentAgainAfterAFullOutbox: the outbox of a busy socket holds eight control frames.
func TestHeartbeatIntervalIsSentAgainAfterAFullOutbox(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("d-1", "")
		for range maxControl + 2 {
			p.send(`{"type":"what"}`)
		}
		synctest.Wait()
		if err := w.r.SetHeartbeatInterval(2 * time.Second); err != nil {
			t.Fatal(err)
		}
		for told := false; !told; { // each heartbeat tries again
			p.send(`{"type":"heartbeat"}`)
			var frame wire.HeartbeatAck
			p.receive(&frame)
			told = frame.HeartbeatIntervalMS == 2000
		}
	})
}

// TestPauseOfThisProcess stops the sweeper for 30 s, as SIGSTOP stops the process, while heartbeats go on.
func TestPauseOfThisProcess(t *testing.T) {
	inWorld(t, func(w *world) {
		const drivers = 50
		for i := range drivers {
			p, _ := w.join(string(rune('a'+i/26))+string(rune('a'+i%26)), "")
			defer func() { _ = p.ws.CloseNow() }()
		}
		stale, _ := w.join("stale", "")
		swarmtest.Advance(2 * time.Second) // the last heartbeats are 2 s old now
		active := func() int { return len(w.active(swarm.Target{})) }
		w.r.sweep(time.Now())
		w.stopSweeper()

		swarmtest.Advance(30 * time.Second)
		if n := active(); n != drivers+1 {
			t.Errorf("%d of %d drivers are active before the next sweep", n, drivers+1)
		}
		w.r.sweep(time.Now())
		if n := active(); n != drivers+1 {
			t.Errorf("%d of %d drivers are active after the sweep", n, drivers+1)
		}
		swarmtest.Advance(time.Second) // 3 s without a heartbeat, not counting the pause
		w.r.sweep(time.Now())
		if n := active(); n != 0 {
			t.Errorf("%d drivers that do not heartbeat are active", n)
		}
		stale.send(`{"type":"heartbeat"}`)
		synctest.Wait()
		w.stopSweeper()
		if got := w.sink.all(); len(got) > 0 || active() != 1 {
			t.Errorf("%d active, %v", active(), got)
		}
	})
}

// TestPauseDoesNotEndTheTimeToRegister: the frame may wait in the socket of a paused process.
func TestPauseDoesNotEndTheTimeToRegister(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.dial()
		w.stopSweeper()
		swarmtest.Advance(wire.RegisterTimeout)
		synctest.Wait()
		p.send(`{"type":"register","driver_id":"d-1"}`)
		var reg wire.Registered
		p.receive(&reg)
		if reg.Type != wire.TypeRegistered {
			t.Errorf("got %+v", reg)
		}
	})
}

func TestUnresponsiveUntilAnyAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		w.join("d-1", "")
		w.offer(2, set10, "d-1")
		for i := 1; i <= 3; i++ {
			w.r.DeadlineMissed([]string{"d-1", "unknown"})
			d, _ := w.r.Driver("d-1")
			if m := w.active(swarm.Target{})[0]; d.Unresponsive != (i == 3) || m.Unresponsive != d.Unresponsive ||
				d.State != swarm.Active {
				t.Errorf("after %d misses: %+v", i, d)
			}
		}
		p, _ := w.join("d-1", "") // a new connection is not an answer
		if d, _ := w.r.Driver("d-1"); !d.Unresponsive {
			t.Error("a reconnect cleared the flag")
		}
		p.send(`{"type":"command_ack","seq":2,"status":"rejected","code":"busy"}`)
		synctest.Wait()
		if d, _ := w.r.Driver("d-1"); d.Unresponsive {
			t.Error("an answer did not clear the flag")
		}
	})
}

// lostOf returns Members without the drivers that can answer.
func (w *world) lostOf(q swarm.TargetQuery) swarm.Targeted {
	out := w.r.Members(q)
	out.Members = slices.DeleteFunc(out.Members, func(m swarm.Member) bool { return m.Lost == "" })
	return out
}

func TestLostDrivers(t *testing.T) {
	inWorld(t, func(w *world) {
		w.join("stale", "")
		swarmtest.Advance(3 * time.Second)
		w.join("active", "")
		gone, _ := w.join("gone", `,"labels":{"region":"eu"},"capabilities":["stop"]`)
		_ = gone.ws.CloseNow()
		synctest.Wait()
		lost := w.lostOf(swarm.TargetQuery{})
		want := []swarm.Member{
			{DriverID: "gone", Capabilities: []string{"stop"}, Share: swarm.Share{Weight: 1000},
				Lost: swarm.ReasonDisconnected},
			{DriverID: "stale", Share: swarm.Share{Weight: 1000}, Lost: swarm.ReasonStale},
		}
		if text(lost.Members) != text(want) || !lost.Awaited {
			t.Errorf("got %+v", lost)
		}
		w.offer(2, set10)
		us := swarm.TargetQuery{Target: swarm.Target{DriverIDs: []string{"gone", "x"},
			Labels: map[string]string{"region": "us"}}}
		if lost := w.lostOf(us); len(lost.Members) != 0 || !lost.Awaited {
			t.Errorf("of another region, soon after the start: %+v", lost)
		}
		swarmtest.Advance(10 * time.Minute)
		forgotten := swarm.TargetQuery{Target: swarm.Target{DriverIDs: []string{"gone"}}}
		if lost := w.lostOf(forgotten); len(lost.Members) != 0 {
			t.Errorf("a forgotten driver: %+v", lost)
		}
		if lost := w.lostOf(us); len(lost.Members) != 0 || lost.Awaited {
			t.Errorf("of another region, long after the start: %+v", lost)
		}
	})
}

// TestALostLeaseIsShown: the API shows which drivers followed on_lease_lost, until they register again.
func TestALostLeaseIsShown(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, lost := range []bool{true, false} {
			w.join("d-1", fmt.Sprintf(`,"instance":"one","lease_lost":%t`, lost))
			if d, ok := w.r.Driver("d-1"); !ok || d.LeaseLost != lost {
				t.Errorf("registered with lease_lost %t: %+v", lost, d)
			}
		}
	})
}
