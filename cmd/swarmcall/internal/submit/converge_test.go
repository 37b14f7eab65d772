package submit

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

const sixDrivers = `[{"driver_id": "a", "state": "active", "drift": "converged", "reported": {"players": 10},
	"desired": [{"seq": 6, "command": {"type": "set_players"}}]},
	{"driver_id": "b", "state": "active", "drift": "drifting", "reported": {"players": 4}, "desired": [{"seq": 6,
		"command": {"type": "set_players"}}]},
	{"driver_id": "c", "state": "stale", "drift": "unknown", "reported": {"players": 10}, "desired": [{"seq": 6,
		"command": {"type": "set_players"}}]},
	{"driver_id": "d", "state": "disconnected", "drift": "unknown", "reported": {"players": 10}, "desired": [{"seq": 6,
		"command": {"type": "set_players"}}]},
	{"driver_id": "e", "state": "asleep", "drift": "dreaming", "reported": {"players": 10}, "desired": [{"seq": 6,
		"command": {"type": "set_mood"}}]},
	{"driver_id": "stranger", "state": "active", "drift": "converged", "reported": {"players": 99}}]`

// TestCompare: the server decides which drivers have converged. Players of stale and disconnected drivers are not
// counted, and a total is not multiplied by the drivers.
func TestCompare(t *testing.T) {
	var drivers []api.DriverDrift
	if err := json.Unmarshal([]byte(sixDrivers), &drivers); err != nil {
		t.Fatal(err)
	}
	const computed = `, "outstanding": 4, "converged": 1`
	for _, tc := range []struct {
		command, counts  string
		converged, wants int
		says             string
	}{
		{`{"type": "set_players", "players": 10}`, computed, 1, 4,
			"14 of 60 players run, 3 drivers unknown, 1 driver not in the roster"},
		{`{"type": "set_players", "players_total": 33}`, computed, 1, 4, "14 of 33 players run, 3 drivers unknown"},
		{`{"type": "stop"}`, computed, 1, 4, "14 players run, 3 drivers unknown"},
		{`{"type": "set_players", "players": 10}`, "", 1, 0, "14 of 60 players run"}, // by an older server
	} {
		var e remote.Entry
		doc := `{"seq": 6, "command": ` + tc.command + `, "counts": {"targeted": 3, "acked": 3,
			"left_out": 4` + tc.counts + `},
			"acked": [{"driver_id": "a"}, {"driver_id": "b"}, {"driver_id": "gone"}],
			"left_out": [{"driver_id": "c", "reason": "stale"}, {"driver_id": "d", "reason": "disconnected"},
				{"driver_id": "e", "reason": "restricted"},
			{"driver_id": "stranger", "reason": "other_run"}]}`
		if err := json.Unmarshal([]byte(doc), &e); err != nil {
			t.Fatal(err)
		}
		p := compare(e, drivers)
		if p.Meant != 6 || p.Converged != tc.converged || p.Lacking != tc.wants || p.Done() ||
			!strings.HasPrefix(p.String(), tc.says) {
			t.Errorf("%s: %+v, %s; want %s", tc.command, p, p, tc.says)
		}
	}
}

// served returns a client whose server gives these answers, by path.
func served(t *testing.T, replies map[string]string) *remote.Client {
	t.Helper()
	c, err := remote.Dial(remote.Config{URL: "http://swarm", HTTP: roundTripper(func(r *http.Request) *http.Response {
		w := httptest.NewRecorder()
		_, _ = io.WriteString(w, replies[r.URL.Path])
		return w.Result()
	})})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestUnknownDriversDoNotConverge: the wait times out and reports how many drivers are unknown, unless this many may be
// missing.
func TestUnknownDriversDoNotConverge(t *testing.T) {
	replies := map[string]string{
		"/commands/6": `{"seq": 6, "command": {"type": "set_players", "players": 10}, "status": "complete",
			"acked": [{"driver_id": "a"}],
			"left_out": [{"driver_id": "c", "reason": "stale"}], "counts": {"targeted": 1, "acked": 1, "left_out": 1,
				"outstanding": 1, "converged": 1}}`,
		"/state": `{"items": ` + sixDrivers + `}`,
	}
	var e remote.Entry
	if err := json.Unmarshal([]byte(replies["/commands/6"]), &e); err != nil {
		t.Fatal(err)
	}
	for allow, want := range map[int]clierr.Code{0: clierr.Timeout, 1: clierr.OK} {
		synctest.Test(t, func(t *testing.T) {
			began := time.Now()
			job := Job{Line: console.NewLine(io.Discard), Allow: verdict.Allow{Count: allow}, Timeout: 5 * time.Second}
			err := job.converge(t.Context(), served(t, replies), e, began)
			if clierr.CodeOf(err) != want {
				t.Errorf("allowing %d: %v", allow, err)
			}
			if want == clierr.OK {
				return
			}
			for _, part := range []string{
				"1 of 2 drivers report it, 1 unknown", "10 of 20 players run, 1 driver unknown", "c unknown",
			} {
				if !strings.Contains(clierr.Text(err), part) {
					t.Errorf("no %q in %s", part, clierr.Text(err))
				}
			}
			if time.Since(began) < job.Timeout {
				t.Errorf("it gave up after %v", time.Since(began))
			}
		})
	}
}

// TestAllowMissingIsForDriversThatAreMissing: the wait does not skip an active driver that still drifts, however many
// may be missing.
func TestAllowMissingIsForDriversThatAreMissing(t *testing.T) {
	replies := map[string]string{
		"/commands/6": `{"seq": 6, "command": {"type": "set_players", "players": 10}, "status": "complete",
			"acked": [{"driver_id": "a"}, {"driver_id": "b"}],
			"counts": {"targeted": 2, "acked": 2, "outstanding": 0, "converged": 1}}`,
		"/state": `{"items": ` + sixDrivers + `}`,
	}
	var e remote.Entry
	if err := json.Unmarshal([]byte(replies["/commands/6"]), &e); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		job := Job{Line: console.NewLine(io.Discard), Allow: verdict.Allow{Percent: 100}, Timeout: time.Second}
		if err := job.converge(t.Context(), served(t, replies), e, time.Now()); clierr.CodeOf(err) != clierr.Timeout {
			t.Errorf("%v", err)
		}
	})
}

// TestAnotherSubmittersCommandIsNotConvergence: drivers that follow a newer command have not converged to ours.
func TestAnotherSubmittersCommandIsNotConvergence(t *testing.T) {
	replies := map[string]string{
		"/commands/6": `{"seq": 6, "command": {"type": "set_players", "players": 30},
			"acked": [{"driver_id": "a"}], "status": "complete"}`,
		"/commands/8": `{"seq": 8, "submitter": "human/x", "command": {"type": "stop"}, "status": "complete"}`,
		"/state":      `{"items": [{"driver_id": "a", "desired": [{"seq": 8, "command": {"type": "stop"}}]}]}`,
	}
	var e remote.Entry
	if err := json.Unmarshal([]byte(replies["/commands/6"]), &e); err != nil {
		t.Fatal(err)
	}
	err := Job{Line: console.NewLine(io.Discard)}.converge(t.Context(), served(t, replies), e, time.Now())
	if clierr.CodeOf(err) != clierr.Superseded ||
		!strings.Contains(err.Error(), "human/x commands these drivers now: stop (entry 8)") {
		t.Errorf("%v", err)
	}
}

type roundTripper func(*http.Request) *http.Response

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

// TestAReplayIsReported, but not the replay of our own first try if its answer was lost.
func TestAReplayIsReported(t *testing.T) {
	for _, lost := range []bool{false, true} {
		answers := roundTripper(func(r *http.Request) *http.Response {
			w := httptest.NewRecorder()
			if lost {
				lost = false
				w.WriteHeader(http.StatusBadGateway)
			} else {
				w.Header().Set("Idempotent-Replayed", "true")
				_, _ = io.WriteString(w, `{"seq": 6, "command": {"type": "stop"}, "status": "pending",
					"counts": {"targeted": 1},
					"submitted_at": "2026-11-24T12:00:03.000Z"}`)
			}
			return w.Result()
		})
		told := !lost
		c, err := remote.Dial(
			remote.Config{URL: "http://swarm", HTTP: answers, Patience: remote.Patience{For: time.Minute}},
		)
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		r := Job{Key: "k", Wait: WaitNone, Line: console.NewLine(&said)}.Run(t.Context(), c)
		if want := "entry 6 is from 12:00:03 UTC"; r.Err != nil || strings.Contains(said.String(), want) != told {
			t.Errorf("%v, %s", r.Err, said.String())
		}
	}
}

// TestNothingToStop: a stop succeeds if the server says that the drivers have deregistered; otherwise the error names
// the values in use.
func TestNothingToStop(t *testing.T) {
	const problem = `{"status": 409, "code": "no_active_drivers", "detail": "none", "request_id": "r"`
	for _, tc := range []struct {
		body string
		code clierr.Code
		says string
	}{
		{problem + `, "nothing_to_stop": true, "in_use": {"labels": {}, "driver_ids": []}}`, clierr.OK,
			"nothing to stop: the drivers that matched have deregistered"},
		{problem + `, "nothing_to_stop": false, "in_use": {"labels": {"zone": ["eu-west", "us"]}, "driver_ids": []}}`,
			clierr.TooFew, "in use: zone: eu-west, us"},
		{problem + `, "nothing_to_stop": false, "in_use": {"labels": {"zone": []}, "driver_ids": ["d-1"]}}`,
			clierr.TooFew, "no driver has the label zone"},
		{problem + `}`, clierr.TooFew, "list the drivers"}, // of an older server
	} {
		c, err := remote.Dial(remote.Config{URL: "http://swarm", HTTP: roundTripper(func(*http.Request) *http.Response {
			w := httptest.NewRecorder()
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusConflict)
			_, _ = io.WriteString(w, `{"type": "urn:swarmcall:problem:x", `+tc.body[1:])
			return w.Result()
		})})
		if err != nil {
			t.Fatal(err)
		}
		var said strings.Builder
		target := &remote.Target{Labels: map[string]string{"zone": "eu"}}
		r := Job{
			Submission: remote.Submission{Command: remote.Command{Type: command.Stop}, Target: target},
			Key:        "k",
			Line:       console.NewLine(&said),
		}.Run(t.Context(), c)
		text := said.String()
		if r.Err != nil {
			text += clierr.Text(r.Err)
		}
		if clierr.CodeOf(r.Err) != tc.code || !strings.Contains(text, tc.says) ||
			(r.Said != "") != (tc.code == clierr.OK) {
			t.Errorf("%s: %+v\n%s", tc.body, r, text)
		}
	}
}
