package drivers

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
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
		w.r.Offer(swarm.Issue{Seq: 4, Command: swarm.Command{Type: command.SetSpawnDelay, Value: 20},
			Target: swarm.Target{Labels: map[string]string{"region": "eu"}}})
		w.r.Offer(swarm.Issue{Seq: 5, Command: stop,
			Target: swarm.Target{DriverIDs: []string{"stopped", "runaway", "never"}}})
		w.join("mute", "")
		w.join("before", `,"state":{"players":10,"running":true}`) // it does not report the command as applied
		at := func(seq uint64) string { return fmt.Sprintf(`,"log_id":"log.1","applied_seq":%d`, seq) }
		w.join("there", at(3)+`,"state":{"players":10,"running":true}`)
		w.join("ramping", at(3)+`,"state":{"players":4,"running":true}`)
		w.join("eu", at(4)+`,"labels":{"region":"eu"},"state":{"players":10,"spawn_delay_ms":5}`)
		w.join("stopped", at(5)+`,"state":{"players":0}`)
		w.join("runaway", at(5)+`,"state":{"players":7}`)
		w.join("lean", at(3)+`,"capabilities":["stop"],"state":{"players":0}`)
		gone, _ := w.join("gone", at(3)+`,"state":{"players":10}`)
		_ = gone.ws.CloseNow()
		synctest.Wait()

		s := w.r.State(swarm.StateQuery{})
		want := map[string][]swarm.DriftCause{
			"mute": {swarm.DriftNotReported}, "before": {swarm.DriftNotReported}, "lean": {swarm.DriftUnsupported},
			"there": nil, "ramping": {"players"}, "eu": {"spawn_delay_ms"},
			"stopped": nil, "runaway": {"players"}, "gone": {swarm.DriftDisconnected},
		}
		if diff := cmp.Diff(want, drift(s)); diff != "" || s.Converged != 2 || s.Drifting != 6 || s.Unknown != 1 {
			t.Errorf("%d converged, %d drifting, %d unknown (-want +got):\n%s", s.Converged, s.Drifting, s.Unknown,
				diff)
		}
		rules := []swarm.Rule{
			{Wanted: swarm.Wanted{Seq: 3, Command: set10}, Matching: 7, Converged: 2},
			{Wanted: swarm.Wanted{Seq: 4, Command: swarm.Command{Type: command.SetSpawnDelay, Value: 20}},
				Target: swarm.Target{Labels: map[string]string{"region": "eu"}}, Matching: 1},
			{Wanted: swarm.Wanted{Seq: 5, Command: stop},
				Target: swarm.Target{DriverIDs: []string{"never", "runaway", "stopped"}}, Matching: 2, Converged: 1},
		}
		if diff := cmp.Diff(rules, s.Rules); diff != "" {
			t.Errorf("rules (-want +got):\n%s", diff)
		}
	})
}

// TestProofOfAStop: only a report of a driver that has received the Stop counts, and a deregistered driver runs
// nothing.
func TestProofOfAStop(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.join("a", `,"state":{"players":0}`)
		b, _ := w.join("b", `,"state":{"players":9}`)
		gone, _ := w.join("gone", `,"state":{"players":9}`)
		_ = gone.ws.CloseNow()
		synctest.Wait()
		e := swarm.Entry{Seq: 2, Issued: &swarm.Issued{Targets: []string{"a", "b", "gone"}}}
		proof := func(when string, pending ...string) {
			t.Helper()
			synctest.Wait()
			want := swarm.StopProof{Seq: 2, Targets: 3, Stopped: 3 - len(pending), Pending: pending}
			if diff := cmp.Diff(want, w.r.Stopped(e)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		w.offer(2, stop, e.Issued.Targets...)
		proof("before anybody reported", "a", "b", "gone")
		a.send(`{"type":"heartbeat","state":{"players":0}}`)
		b.send(`{"type":"heartbeat","state":{"players":0},"applied_seq":1}`)
		proof("after reports that were on their way when the Stop came", "a", "b", "gone")
		a.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		proof("after an ack without a report", "a", "b", "gone")
		a.send(`{"type":"heartbeat","state":{"players":0}}`)
		b.send(`{"type":"heartbeat","state":{"players":1},"applied_seq":2}`)
		proof("after one has stopped", "b", "gone")
		b.send(`{"type":"heartbeat","state":{"players":0},"applied_seq":2}`)
		back, _ := w.join("gone", `,"state":{"players":0}`)
		proof("after one came back that does not know of the Stop", "gone")
		back.send(`{"type":"deregister"}`)
		proof("after it has deregistered")
	})
}
