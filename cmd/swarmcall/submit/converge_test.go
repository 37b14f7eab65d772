package submit

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/progress"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
)

// TestCompare: who acked must report it, since it was told; a total is compared by shares.
func TestCompare(t *testing.T) {
	var desired []api.DesiredCommand
	if err := json.Unmarshal([]byte(`[{"seq": 6, "command": {"type": "set_spawn_delay_ms", "spawn_delay_ms": 100}}, {"seq": 6, "command": {"type": "stop"}}]`), &desired); err != nil {
		t.Fatal(err)
	}
	drift := map[string]api.DriverDrift{
		"a": {Reported: api.DriverReport{Players: 10}, Desired: desired},
		"b": {Reported: api.DriverReport{Players: 4}, Desired: desired, Reasons: []api.DriftReason{"players"}},
		"c": {Reported: api.DriverReport{Players: 10}, Desired: desired, Reasons: []api.DriftReason{"not_reported"}},
		"d": {Reported: api.DriverReport{Players: 10}, Desired: desired, Reasons: []api.DriftReason{"spawn_delay_ms"}},
	}
	acked := `"acked": [{"driver_id": "a"}, {"driver_id": "b"}, {"driver_id": "c"}, {"driver_id": "d"}, {"driver_id": "gone"}]`
	for command, want := range map[string]Progress{
		`{"type": "set_players", "players": 10}`:                {Drivers: 5, There: 2, Actual: 34, Target: 50},
		`{"type": "set_players", "players_total": 33}`:          {Drivers: 5, There: 2, Actual: 34, Target: 33},
		`{"type": "stop"}`:                                      {Drivers: 5, There: 2, Actual: 34, Target: 0},
		`{"type": "set_spawn_delay_ms", "spawn_delay_ms": 100}`: {Drivers: 5, There: 2, Actual: 34, Target: 0},
	} {
		e := remote.Answer[remote.Entry]{Raw: []byte(`{"seq": 6, "command": ` + command + `, ` + acked + `,
			"split": [{"driver_id": "a", "players": 11}, {"driver_id": "b", "players": 11}, {"driver_id": "c", "players": 11}]}`)}
		if err := json.Unmarshal(e.Raw, &e.Value); err != nil {
			t.Fatal(err)
		}
		if got := compare(e, drift); got != want {
			t.Errorf("%s: %+v, want %+v", command, got, want)
		}
	}
}

// TestSomebodyElsesCommandIsNoConvergence: drivers that do what a newer command wants do not do what ours did.
func TestSomebodyElsesCommandIsNoConvergence(t *testing.T) {
	replies := map[string]string{
		"/commands/6": `{"seq": 6, "command": {"type": "set_players", "players": 30}, "acked": [{"driver_id": "a"}], "status": "complete"}`,
		"/commands/8": `{"seq": 8, "submitter": "human/x", "command": {"type": "stop"}, "status": "complete"}`,
		"/state":      `{"items": [{"driver_id": "a", "desired": [{"seq": 8, "command": {"type": "stop"}}]}]}`,
	}
	answers := roundTripper(func(r *http.Request) *http.Response {
		w := httptest.NewRecorder()
		_, _ = io.WriteString(w, replies[r.URL.Path])
		return w.Result()
	})
	c, err := remote.Dial(remote.Config{URL: "http://swarm", HTTP: answers})
	if err != nil {
		t.Fatal(err)
	}
	var e remote.Entry
	if err := json.Unmarshal([]byte(replies["/commands/6"]), &e); err != nil {
		t.Fatal(err)
	}
	err = Job{Line: progress.New(io.Discard)}.converge(t.Context(), c, e, time.Now())
	if clierr.CodeOf(err) != clierr.Superseded || !strings.Contains(err.Error(), "human/x commands these drivers now: stop (entry 8)") {
		t.Errorf("%v", err)
	}
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// TestAReplayIsTold: but not of our own first try, whose answer was lost.
func TestAReplayIsTold(t *testing.T) {
	for _, lost := range []bool{false, true} {
		answers := roundTripper(func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			if lost {
				lost = false
				w.WriteHeader(http.StatusBadGateway)
			} else {
				w.Header().Set("Idempotent-Replayed", "true")
				_, _ = io.WriteString(w, `{"seq": 6, "command": {"type": "stop"}, "status": "pending", "submitted_at": "2026-11-24T12:00:03.000Z"}`)
			}
			return w.Result()
		})
		told := !lost
		c, err := remote.Dial(remote.Config{URL: "http://swarm", HTTP: answers, Patience: remote.Patience{For: time.Minute}})
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		r := Job{Key: "k", Wait: WaitNone, Line: progress.New(&said)}.Run(t.Context(), c)
		if want := "entry 6 is from 12:00:03 UTC"; r.Err != nil || strings.Contains(said.String(), want) != told {
			t.Errorf("%v, %s", r.Err, said.String())
		}
	}
}
