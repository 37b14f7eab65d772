package observe

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// scrape reads the metrics at the address for operators.
func (s *server) scrape() string {
	s.t.Helper()
	status, text := ask(s.t, plain, http.MethodGet, s.ops+"/metrics", "")
	if status != http.StatusOK {
		s.t.Fatalf("%d %s", status, text)
	}
	return text
}

// eventually waits until a scrape has a line: commands are counted a moment after they were answered.
func (s *server) eventually(line string) {
	s.t.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(patience)
	for {
		text := s.scrape()
		if slices.Contains(strings.Split(text, "\n"), line) {
			return
		}
		select {
		case <-again.C:
		case <-deadline:
			name, _, _ := strings.Cut(line, "{")
			s.t.Fatalf("no %q in\n%s", line, only(text, name))
		}
	}
}

// only returns the lines of a metric.
func only(text, name string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(l string) bool { return !strings.HasPrefix(l, name) })
	return strings.Join(lines, "\n")
}

func TestFiguresOfCommands(t *testing.T) {
	s := start(t)
	command(t, plain, s.URL, `{"command":{"type":"set_players","players":5}}`, http.StatusConflict)
	s.join("a", "b")
	command(t, plain, s.URL, `{"command":{"type":"set_players","players":5}}`, http.StatusCreated)
	for _, line := range []string{
		`swarmcall_commands_refused_total{code="no_active_drivers"} 1`,
		`swarmcall_commands_total{result="complete",type="set_players"} 1`,
		`swarmcall_command_targets_total{outcome="acked",type="set_players"} 2`,
		`swarmcall_command_ack_duration_seconds_count{type="set_players"} 2`,
		`swarmcall_drivers{state="active"} 2`, `swarmcall_players{kind="target"} 10`,
		`swarmcall_ws_messages_total{direction="in",type="register"} 2`,
		`swarmcall_ws_messages_total{direction="in",type="command_ack"} 2`,
		`swarmcall_ws_messages_total{direction="out",type="command"} 2`,
		`swarmcall_driver_connections_total{outcome="registered"} 2`, `swarmcall_ready 1`, `swarmcall_commands_open 0`,
		`swarmcall_log_append_failures_total 0`,
		`swarmcall_http_request_duration_seconds_count{method="POST",route="/commands",status="201"} 1`,
		`swarmcall_http_request_duration_seconds_count{method="POST",route="/commands",status="409"} 1`,
	} {
		s.eventually(line)
	}
	for _, name := range []string{"append", "fsync"} {
		if n := only(s.scrape(), "swarmcall_log_"+name+"_duration_seconds_count"); strings.HasSuffix(n, " 0") || n == "" {
			t.Errorf("the log was written, and %q", n)
		}
	}
}

func TestConventionsByPromtool(t *testing.T) {
	s := start(t)
	s.join("a")
	command(t, plain, s.URL, `{"command":{"type":"stop"}}`, http.StatusCreated)
	if said, err := promtool(t, s.scrape(), "check", "metrics"); err != nil || said != "" {
		t.Errorf("%v\n%s", err, said)
	}
}

func TestStreamsAreCounted(t *testing.T) {
	s := start(t)
	for _, path := range []string{"/commands/stream", "/ui/stream?topic=/"} {
		ctx, leave := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := plain.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		s.eventually("swarmcall_sse_clients 1")
		leave()
		_ = resp.Body.Close()
		s.eventually("swarmcall_sse_clients 0")
	}
	s.eventually("swarmcall_sse_dropped_total 0")
}

// TestNothingMultipliesTheSeries: neither drivers nor submitters add a series.
func TestNothingMultipliesTheSeries(t *testing.T) {
	s := start(t)
	series := func() []string {
		s.eventually("swarmcall_commands_open 0")
		var names []string
		for line := range strings.SplitSeq(s.scrape(), "\n") {
			if strings.HasPrefix(line, "swarmcall_") {
				names = append(names, line[:strings.LastIndexByte(line, ' ')])
			}
		}
		return names
	}
	use := func(drivers, submitters int) {
		for i := range drivers {
			s.join(fmt.Sprintf("d-%d-%d-%d", drivers, submitters, i))
		}
		for i := range submitters {
			command(t, plain, s.URL, fmt.Sprintf(
				`{"submitter":"team-%d","command":{"type":"set_players","players":%d}}`, i, i), http.StatusCreated)
		}
	}
	many := 200
	if os.Getenv("SWARMCALL_SOAK") == "1" {
		many = 9_000 // both ends of a connection are in this process, which may have 20,000 files
	}
	use(2, 1)
	before := series()
	use(2, 1000) // a command to each driver by each submitter would take minutes
	use(many, 1)
	began := time.Now()
	after := series()
	t.Logf("%d series; a scrape beside %d drivers takes at most %v", len(before), many, time.Since(began))
	if !slices.Equal(before, after) {
		t.Errorf("%d series with 2 drivers and 1 submitter, %d with %d and 1,000", len(before), len(after), many)
	}
}

// TestOperatorsAddress: it needs no credential, and a page of another site cannot read it.
func TestOperatorsAddress(t *testing.T) {
	s := start(t)
	for path, want := range map[string]int{
		"/metrics": 200, "/livez": 200, "/readyz": 200, "/version": 200, "/debug/pprof/": 200,
		"/debug/pprof/goroutine?debug=1": 200, "/debug/pprof/cmdline": 200, "/debug/pprof/nothing": 404, "/state": 404,
		"/": 404, "/commands": 404, "/drivers/connect": 404,
	} {
		if status, text := ask(t, plain, http.MethodGet, s.ops+path, ""); status != want {
			t.Errorf("%s: %d, want %d: %.200s", path, status, want, text)
		}
	}
	for _, headers := range [][]string{{"Host: evil.test"}, {"Origin: http://evil.test"}, {"Sec-Fetch-Site: cross-site"}} {
		if status, text := ask(t, plain, http.MethodGet, s.ops+"/metrics", "", headers...); status != 403 &&
			status != 421 {
			t.Errorf("%s: %d %.200s", headers, status, text)
		}
	}
	if status, _ := ask(t, plain, http.MethodPost, s.ops+"/metrics", "{}"); status != 405 {
		t.Errorf("POST: %d, want 405", status)
	}
	if status, text := ask(t, plain, http.MethodGet, s.URL+"/debug/pprof/", ""); status != 404 {
		t.Errorf("profiles at the public address: %d %.200s", status, text)
	}
}
