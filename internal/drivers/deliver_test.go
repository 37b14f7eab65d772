package drivers

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// TestOfferReturnsUndeliveredAndSuperseded: both are in order of driver id.
func TestOfferReturnsUndeliveredAndSuperseded(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, id := range []string{"b", "d"} { // they read nothing, so their commands wait
			w.join(id, "")
		}
		closing, _ := w.join("c", "")
		if err := closing.ws.Write(w.t.Context(), websocket.MessageBinary, []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		w.join("e", `,"capabilities":["stop"]`)
		synctest.Wait()
		offer := func(seq uint64, c swarm.Command, want swarm.Handover) {
			t.Helper()
			got := w.r.Offer(swarm.Issue{
				Seq: seq, Command: c, Targets: []string{"a", "b", "c", "d", "e", "f"}, Deadline: time.Second,
			})
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("seq %d (-want +got):\n%s", seq, diff)
			}
			synctest.Wait()
		}
		nobody := []string{"a", "c", "f"}
		offer(2, set10, swarm.Handover{Undelivered: nobody}) // is being written
		offer(3, set20, swarm.Handover{Undelivered: nobody}) // waits
		offer(4, swarm.Command{Type: command.SetSpawnDelay}, swarm.Handover{Undelivered: nobody})
		offer(5, stop, swarm.Handover{
			Undelivered: nobody, Superseded: []swarm.Unsent{{DriverID: "b", Seq: 3}, {DriverID: "d", Seq: 3}},
		})
		if got := w.sink.all(); len(got) != 0 {
			t.Errorf("reported besides: %v", got)
		}
	})
}

// TestResetAndExpireReturnWhatTheySuperseded: they are Stops, which supersede load commands and older Stops.
func TestResetAndExpireReturnWhatTheySuperseded(t *testing.T) {
	inWorld(t, func(w *world) {
		w.join("a", "") // reads nothing
		only := swarm.Target{DriverIDs: []string{"a"}}
		for seq := uint64(2); seq < 4; seq++ {
			w.offerTo(seq, set10, only)
			synctest.Wait() // the first is being written, the second waits
		}
		got := w.r.Expire(4, &swarm.Expired{Replaced: 3, Target: only})
		if diff := cmp.Diff([]swarm.Unsent{{DriverID: "a", Seq: 3}}, got); diff != "" {
			t.Errorf("expired (-want +got):\n%s", diff)
		}
		w.offerTo(5, set20, only)
		got = w.r.Reset(6)
		if diff := cmp.Diff([]swarm.Unsent{{DriverID: "a", Seq: 4}, {DriverID: "a", Seq: 5}}, got); diff != "" {
			t.Errorf("reset (-want +got):\n%s", diff)
		}
	})
}

// TestNothingIsReportedWithTheLockHeld: a callback about a lost driver, or a request for a record, may use the
// registry.
func TestNothingIsReportedWithTheLockHeld(t *testing.T) {
	inWorld(t, func(w *world) {
		looked := 0
		w.sink.onReport = func() { w.r.Drivers(); looked++ }
		p, _ := w.join("a", "")
		w.offer(2, set10, "a")
		p.leave()
		if looked != 2 { // disconnected, reset
			t.Errorf("looked %d times, reported %v", looked, w.sink.all())
		}
	})
}
