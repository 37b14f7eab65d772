package httpapi

import (
	"encoding/json"
	"testing"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

func TestStateIsWhatIsDesiredAgainstWhatIsReported(t *testing.T) {
	w := newWorld(t, nil)
	stopped := w.do(t, "POST", "/commands", stop)
	want := swarm.Wanted{Seq: stopped.Seq, Command: swarm.Command{Type: command.Stop}}
	w.state = swarm.State{
		Rules: []swarm.Rule{{Wanted: want, Matching: 3, Converged: 1}}, Converged: 1, Drifting: 1, Unknown: 1,
		Drivers: []swarm.Drift{
			{DriverID: "d-1", State: swarm.Active, Desired: []swarm.Wanted{want}},
			{DriverID: "d-2", State: swarm.Active, Desired: []swarm.Wanted{want},
				Reported: swarm.Report{Players: 7, Running: true}, Reasons: []swarm.DriftCause{"players"}},
			{DriverID: "d-3", State: swarm.Disconnected, Desired: []swarm.Wanted{want},
				Reasons: []swarm.DriftCause{swarm.DriftDisconnected}},
		},
	}
	type state struct {
		Counts  map[string]int
		Desired []struct{ Seq, Matching, Converged int }
		Stop    *struct {
			Targets, Stopped int
			Pending          []string
		}
		Items []struct {
			DriverID string `json:"driver_id"`
			Drift    string
			Reasons  []string
		}
		Next *string `json:"next_cursor"`
	}
	get := func(query string) (s state) {
		t.Helper()
		if err := json.Unmarshal([]byte(w.do(t, "GET", "/state"+query, "").body), &s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	all := get("")
	if all.Counts["converged"] != 1 || all.Counts["drifting"] != 1 || all.Counts["unknown"] != 1 ||
		len(all.Items) != 3 || all.Next != nil {
		t.Errorf("got %+v", all)
	}
	if len(all.Desired) != 1 || all.Desired[0].Matching != 3 || all.Stop == nil || all.Stop.Targets != 3 ||
		all.Stop.Stopped != 1 || len(all.Stop.Pending) != 2 {
		t.Errorf("desired %+v, stop %+v", all.Desired, all.Stop)
	}
	if drifting := get("?drift=drifting"); len(drifting.Items) != 1 || drifting.Items[0].DriverID != "d-2" ||
		drifting.Items[0].Reasons[0] != "players" {
		t.Errorf("drifting: %+v", drifting.Items)
	}
	first := get("?limit=2")
	if len(first.Items) != 2 || first.Next == nil {
		t.Fatalf("first page: %+v", first)
	}
	if second := get("?limit=2&cursor=" + *first.Next); len(second.Items) != 1 || second.Items[0].DriverID != "d-3" ||
		second.Next != nil {
		t.Errorf("second page: %+v", second)
	}
	w.state.Rules[0].Command = swarm.Command{Type: command.SetPlayers, Value: 7}
	if running := get(""); running.Stop != nil {
		t.Errorf("a proof of Stop while load is desired: %+v", running.Stop)
	}
}
