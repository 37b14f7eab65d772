package demo

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/command"
)

func TestPrintOutcome(t *testing.T) {
	var b strings.Builder
	took := 2000.34
	printOutcome(&b, client.Entry{
		Seq: 9, Status: "partial", DurationMs: &took,
		Counts:     client.Counts{Targeted: 5, Acked: 2, Rejected: 1, Superseded: 1, Missing: 1},
		Acked:      &[]client.Acked{{DriverId: "demo-10", LatencyMs: 12.34}, {DriverId: "demo-2", LatencyMs: 1}},
		Rejected:   []client.Rejected{{DriverId: "demo-3", Code: "too_many_players", Detail: "at most 5000"}},
		Missing:    []client.Missing{{DriverId: "demo-1", Reason: "disconnected"}},
		Superseded: []client.Superseded{{DriverId: "demo-4"}},
	})
	want := `  demo-1   missing     disconnected
  demo-2   acked       in 1.0 ms
  demo-3   rejected    too_many_players: at most 5000
  demo-4   superseded  by a newer command, before it was sent
  demo-10  acked       in 12.3 ms
  partial: 2 of 5 acked in 2000.3 ms, entry 9, 1 rejected, 1 superseded, 1 missing
`
	if got := b.String(); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestOutcomeError(t *testing.T) {
	for _, tc := range []struct {
		entry client.Entry
		want  clierr.Code
	}{
		{client.Entry{Status: "complete"}, clierr.OK},
		{client.Entry{Status: "partial", Counts: client.Counts{Rejected: 1, Missing: 1}}, clierr.Rejected},
		{client.Entry{Status: "partial", Counts: client.Counts{Superseded: 1, Missing: 1}}, clierr.Missing},
		{client.Entry{Status: "superseded", Counts: client.Counts{Superseded: 1}}, clierr.Superseded},
	} {
		if got := clierr.CodeOf(outcomeError(tc.entry)); got != tc.want {
			t.Errorf("%+v: code %d, want %d", tc.entry, got, tc.want)
		}
	}
}

// Only at the default address does swarmcall find the demo without SWARMCALL_URL.
func TestTheAddressIsExported(t *testing.T) {
	for url, want := range map[string]string{
		"http://127.0.0.1:8080": "", "http://127.0.0.1:41234": "\n  export SWARMCALL_URL=http://127.0.0.1:41234\n",
	} {
		if got := exportURL(url); got != want && (want == "" || !strings.Contains(got, want)) {
			t.Errorf("%s: %q", url, got)
		}
	}
}

// Users copy the hints, so each body must be JSON that a shell passes on unchanged.
func TestHintsHoldValidBodies(t *testing.T) {
	bodies := 0
	for line := range strings.Lines(Hints("http://127.0.0.1:8080")) {
		if _, body, ok := strings.Cut(line, "-d '"); ok {
			bodies++
			var s struct{ Command command.Fields }
			err := json.Unmarshal([]byte(strings.TrimSuffix(strings.TrimSpace(body), "'")), &s)
			if bad := s.Command.Check("/command"); err != nil || len(bad) > 0 {
				t.Errorf("%s: %s, %v, %v", line, s.Command, err, bad)
			}
		}
	}
	if bodies != 3 {
		t.Errorf("%d commands are shown, want one of each type", bodies)
	}
}

func TestWatcherTellsOnlyWhatChanged(t *testing.T) {
	var roster, commands string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body := map[string]string{"/drivers": roster, "/commands": commands}[r.URL.Path]; body != "" {
			_, _ = io.WriteString(w, body)
			return
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer s.Close()
	var out strings.Builder
	c, err := remote.Dial(remote.Config{URL: s.URL})
	if err != nil {
		t.Fatal(err)
	}
	defer c.CloseIdle()
	w := watcher{
		demo: &demo{Options: Options{Out: &out}, api: c, target: &target{}, server: &child{done: make(chan struct{})}},
		seq:  1, at: time.Now(), gone: map[string]bool{},
	}
	const two = `{"items": [{"state": "active", "reported": {"players": 7}},
		{"state": "stale", "reported": {"players": 2}}, {"state": "disconnected", "reported": {"players": 100}}],
		"counts": {"active": 1, "stale": 1, "disconnected": 1}}`
	const entries = `{"items": [{"seq": 4, "status": "pending"},
		{"seq": 2, "submitter": "ci", "status": "complete", "duration_ms": 1,
			"command": {"type": "set_players", "players": 7}, "counts": {"targeted": 2, "acked": 2}},
		{"seq": 1, "status": "complete"}]}`
	for _, step := range []struct{ name, roster, commands, want string }{
		{"first look", two, `{"items": []}`,
			"    7 players        0 requests/s   1 driver active, 1 stale, 1 disconnected\n"},
		{"nothing new", two, `{"items": []}`, ""},
		{"a command by another submitter", two, entries, "ci: set_players 7 → complete: 2 of 2 acked in 1.0 ms, " +
			"entry 2\n"},
		{"told already", two, entries, ""},
		{"no answer", "", entries,
			"the server does not answer: a proxy or another server answered 503 without a body\n"},
		{"still none", "", entries, ""},
		{"back", two, entries, "    7 players        0 requests/s   1 driver active, 1 stale, 1 disconnected\n"},
	} {
		roster, commands = step.roster, step.commands
		out.Reset()
		w.look(t.Context())
		if _, got, _ := strings.Cut(out.String(), "  "); got != step.want {
			t.Errorf("%s: %q, want %q", step.name, got, step.want)
		}
	}
}
