package drivers

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func drift(s swarm.State) map[string][]swarm.DriftCause {
	out := map[string][]swarm.DriftCause{}
	for _, d := range s.Drivers {
		out[d.DriverID] = d.Reasons
	}
	return out
}

func TestStateTellsDesiredFromReported(t *testing.T) {
	inWorld(t, func(w *world) {
		w.r.Reset(2)
		w.offer(3, set10)
		w.r.Offer(swarm.Issue{Seq: 4, Command: swarm.Command{Type: swarm.SetSpawnDelay, SpawnDelayMS: 20}, Target: swarm.Target{Labels: map[string]string{"region": "eu"}}})
		w.r.Offer(swarm.Issue{Seq: 5, Command: stop, Target: swarm.Target{DriverIDs: []string{"stopped", "runaway", "never"}}})
		w.join("mute", "")
		w.join("there", `,"state":{"players":10,"running":true}`)
		w.join("ramping", `,"state":{"players":4,"running":true}`)
		w.join("eu", `,"labels":{"region":"eu"},"state":{"players":10,"spawn_delay_ms":5}`)
		w.join("stopped", `,"state":{"players":0}`)
		w.join("runaway", `,"state":{"players":7}`)
		gone, _ := w.join("gone", `,"state":{"players":10}`)
		_ = gone.ws.CloseNow()
		synctest.Wait()

		s := w.r.State()
		want := map[string][]swarm.DriftCause{
			"mute": {swarm.DriftNotReported}, "there": nil, "ramping": {swarm.DriftPlayers}, "eu": {swarm.DriftSpawnDelay},
			"stopped": nil, "runaway": {swarm.DriftPlayers}, "gone": {swarm.DriftDisconnected},
		}
		if diff := cmp.Diff(want, drift(s)); diff != "" || s.Converged != 2 || s.Drifting != 4 || s.Unknown != 1 {
			t.Errorf("%d converged, %d drifting, %d unknown (-want +got):\n%s", s.Converged, s.Drifting, s.Unknown, diff)
		}
		rules := []swarm.Rule{
			{Wanted: swarm.Wanted{Seq: 3, Command: set10}, Matching: 5, Converged: 2},
			{Wanted: swarm.Wanted{Seq: 4, Command: swarm.Command{Type: swarm.SetSpawnDelay, SpawnDelayMS: 20}}, Target: swarm.Target{Labels: map[string]string{"region": "eu"}}, Matching: 1},
			{Wanted: swarm.Wanted{Seq: 5, Command: stop}, Target: swarm.Target{DriverIDs: []string{"never", "runaway", "stopped"}}, Matching: 2, Converged: 1},
		}
		if diff := cmp.Diff(rules, s.Rules); diff != "" {
			t.Errorf("rules (-want +got):\n%s", diff)
		}
	})
}

// TestProofOfAStop: only a report of after the Stop proves it.
func TestProofOfAStop(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.join("a", `,"state":{"players":0}`)
		b, _ := w.join("b", `,"state":{"players":9}`)
		gone, _ := w.join("gone", `,"state":{"players":9}`)
		_ = gone.ws.CloseNow()
		synctest.Wait()
		targets := []string{"a", "b", "gone"}
		w.offer(2, stop, targets...)
		if diff := cmp.Diff(swarm.StopProof{Seq: 2, Targets: 3, Pending: targets}, w.r.Stopped(2, targets)); diff != "" {
			t.Errorf("before anybody reported (-want +got):\n%s", diff)
		}
		a.send(`{"type":"heartbeat","state":{"players":0}}`)
		b.send(`{"type":"heartbeat","state":{"players":1}}`)
		synctest.Wait()
		if diff := cmp.Diff(swarm.StopProof{Seq: 2, Targets: 3, Stopped: 1, Pending: targets[1:]}, w.r.Stopped(2, targets)); diff != "" {
			t.Errorf("after one has stopped (-want +got):\n%s", diff)
		}
		b.send(`{"type":"heartbeat","state":{"players":0}}`)
		w.join("gone", `,"state":{"players":0}`)
		swarmtest.Advance(time.Second)
		if p := w.r.Stopped(2, targets); p.Stopped != 3 || len(p.Pending) != 0 {
			t.Errorf("at the end: %+v", p)
		}
	})
}
