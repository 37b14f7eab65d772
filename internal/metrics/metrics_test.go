package metrics

import (
	"context"
	"errors"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// sources are fixed values of everything that a scrape reads.
func sources() Sources {
	return Sources{
		Swarm: func() swarm.Tally {
			return swarm.Tally{Active: 3, Stale: 2, Disconnected: 1, Unresponsive: 1, Target: 60, Actual: 55}
		},
		OpenCommands: func() int { return 4 },
		LogUsage:     func() (used, limit int64) { return 1000, 8000 },
		LogPosition:  func() uint64 { return 77 },
		Ready:        func(context.Context) bool { return true },
		Certificate:  func() time.Time { return time.Unix(1_800_000_000, 0) },
		Webhooks: func() []Webhook {
			return []Webhook{{Name: "chat", Up: true, Behind: 2, Delivered: 70, Failed: 3}, {Name: "archive"}}
		},
	}
}

func whole() *Metrics {
	m := New(Build{Version: "v1", Revision: "abc", GoVersion: "go1"})
	m.Read(sources())
	m.Requests.Answered("GET", "/state", 200, time.Millisecond)
	return m
}

func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	rec := httptest.NewRecorder()
	m.Handler().ServeHTTP(rec, httptest.NewRequest("GET", "/metrics", nil))
	if rec.Code != 200 {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	return rec.Body.String()
}

// has reports the lines that a scrape lacks.
func has(t *testing.T, m *Metrics, lines ...string) {
	t.Helper()
	got := strings.Split(scrape(t, m), "\n")
	for _, line := range lines {
		if !slices.Contains(got, line) {
			name, _, _ := strings.Cut(line, "{")
			t.Errorf("%q is not there, but %q", line,
				slices.DeleteFunc(slices.Clone(got), func(l string) bool { return !strings.HasPrefix(l, name) }))
		}
	}
}

func TestNamesFollowTheConventions(t *testing.T) {
	problems, err := testutil.GatherAndLint(whole().book)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

func TestTableIsWhatAScrapeHas(t *testing.T) {
	m := whole()
	var want, got []string
	for _, row := range m.Table() {
		want = append(want, row.Name+" "+row.Type)
		if !strings.HasPrefix(row.Name, "swarmcall_") || row.Help == "" {
			t.Errorf("%+v", row)
		}
	}
	for _, line := range regexp.MustCompile(`(?m)^# TYPE (swarmcall_\S+ \S+)$`).FindAllStringSubmatch(scrape(t, m), -1) {
		got = append(got, line[1])
	}
	if !slices.Equal(want, got) {
		t.Errorf("the table has\n%s\na scrape has\n%s", strings.Join(want, "\n"), strings.Join(got, "\n"))
	}
}

func TestWhatIsReadAtAScrape(t *testing.T) {
	has(t, whole(),
		`swarmcall_build_info{goversion="go1",revision="abc",version="v1"} 1`,
		`swarmcall_drivers{state="active"} 3`, `swarmcall_drivers{state="stale"} 2`,
		`swarmcall_drivers{state="disconnected"} 1`, `swarmcall_drivers_unresponsive 1`,
		`swarmcall_players{kind="target"} 60`, `swarmcall_players{kind="actual"} 55`, `swarmcall_commands_open 4`,
		`swarmcall_log_bytes 1000`, `swarmcall_log_max_bytes 8000`, `swarmcall_log_position 77`, `swarmcall_ready 1`,
		`swarmcall_tls_certificate_expiry_timestamp_seconds 1.8e+09`,
		`swarmcall_webhook_up{webhook="chat"} 1`, `swarmcall_webhook_up{webhook="archive"} 0`,
		`swarmcall_webhook_behind_records{webhook="chat"} 2`,
		`swarmcall_webhook_deliveries_total{result="delivered",webhook="chat"} 70`,
		`swarmcall_webhook_deliveries_total{result="failed",webhook="chat"} 3`)
}

// feed has events, and fails once before it delivers them.
type feed struct {
	events []*swarm.Event
	fails  int
}

func (f *feed) After(ctx context.Context, position uint64) ([]*swarm.Event, error) {
	if f.fails > 0 {
		f.fails--
		return nil, errors.New("a disk is slow")
	}
	for i, e := range f.events {
		if e.Position > position {
			return f.events[i : i+1], nil
		}
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestCommandsAreCountedFromTheLog(t *testing.T) {
	issued := &swarm.Issued{Command: swarm.Command{Type: command.SetPlayers, Value: 10}, Targets: []string{"a", "b", "c", "d"}}
	at := func(position uint64, r swarm.Record, i *swarm.Issued) *swarm.Event {
		return &swarm.Event{Stored: swarm.Stored{Position: position, Record: r}, Issued: i}
	}
	closed := &swarm.Closed{Seq: 2, Duration: 1500 * time.Millisecond, Verdicts: []swarm.Verdict{
		{Kind: swarm.Acked, Latency: 2 * time.Millisecond}, {Kind: swarm.Rejected, Latency: 3 * time.Millisecond},
		{Kind: swarm.Missing, Reason: swarm.ReasonDeadline}, {Kind: swarm.Superseded},
	}}
	late := &swarm.Late{Seq: 2, Acks: []swarm.LateAck{{DriverID: "c"}}}
	f := &feed{fails: 2, events: []*swarm.Event{
		at(1, closed, issued), // before what is followed
		at(2, issued, issued), at(3, closed, issued), at(4, late, issued), at(5, &swarm.Reset{}, nil),
		at(6, closed, nil), // its command is lost
	}}
	synctest.Test(t, func(t *testing.T) {
		m := New(Build{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			m.Commands.Follow(ctx, f, 1)
		}()
		<-time.After(time.Minute)
		synctest.Wait()
		cancel()
		<-done
		has(t, m,
			`swarmcall_commands_total{result="partial",type="set_players"} 1`,
			`swarmcall_commands_total{result="failed",type="set_players"} 0`,
			`swarmcall_command_targets_total{outcome="acked",type="set_players"} 1`,
			`swarmcall_command_targets_total{outcome="rejected",type="set_players"} 1`,
			`swarmcall_command_targets_total{outcome="superseded",type="set_players"} 1`,
			`swarmcall_command_targets_total{outcome="missing",type="set_players"} 1`,
			`swarmcall_command_targets_total{outcome="late",type="set_players"} 1`,
			`swarmcall_command_ack_duration_seconds_count{type="set_players"} 2`,
			`swarmcall_command_ack_duration_seconds_bucket{type="set_players",le="0.0025"} 1`,
			`swarmcall_command_completion_duration_seconds_sum{type="set_players"} 1.5`,
			`swarmcall_command_completion_duration_seconds_count{type="stop"} 0`)
	})
}

func TestEventsOfComponents(t *testing.T) {
	m := New(Build{})
	m.Commands.Refused(swarm.Errorf(swarm.CodeNoActiveDrivers, ""))
	m.Commands.Refused(errors.New("what nobody expected"))
	m.Commands.Refused(context.Canceled)
	m.Sessions.Received("heartbeat")
	m.Sessions.Received("what a driver made up")
	m.Sessions.Received("")
	m.Sessions.Sent("command", 3)
	m.Sessions.Connected("registered")
	m.Sessions.Disconnected("write_timeout")
	m.Log.Appended(3, 2*time.Millisecond, nil)
	m.Log.Appended(1, time.Millisecond, errors.New("full"))
	m.Log.Synced(time.Millisecond)
	m.Streams.Opened()
	m.Streams.Opened()
	m.Streams.Closed(true)
	m.Access.Failed(swarm.CodeForbidden)
	m.Access.Failed(swarm.CodeNotFound)
	m.Access.Reloaded(FileAuth, errors.New("line 3"))
	m.Access.Reloaded(FileTLS, nil)
	m.Requests.Answered("BREW", "", 404, time.Second)
	has(t, m,
		`swarmcall_commands_refused_total{code="no_active_drivers"} 1`, `swarmcall_commands_refused_total{code="other"} 1`,
		`swarmcall_ws_messages_total{direction="in",type="heartbeat"} 1`,
		`swarmcall_ws_messages_total{direction="in",type="other"} 2`,
		`swarmcall_ws_messages_total{direction="out",type="command"} 3`,
		`swarmcall_driver_connections_total{outcome="registered"} 1`,
		`swarmcall_driver_disconnections_total{reason="write_timeout"} 1`,
		`swarmcall_log_records_total 3`, `swarmcall_log_append_failures_total 1`,
		`swarmcall_log_append_duration_seconds_count 1`, `swarmcall_log_fsync_duration_seconds_count 1`,
		`swarmcall_sse_clients 1`, `swarmcall_sse_dropped_total 1`,
		`swarmcall_auth_failures_total{reason="forbidden"} 1`, `swarmcall_auth_failures_total{reason="rate_limited"} 0`,
		`swarmcall_reloads_total{file="auth",result="failed"} 1`, `swarmcall_reloads_total{file="tls",result="ok"} 1`,
		`swarmcall_http_request_duration_seconds_count{method="other",route="other",status="404"} 1`)
}

// TestScrapeOfALogThatHangs: the other figures are needed most while the disk does not answer.
func TestScrapeOfALogThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, src, hang := New(Build{}), sources(), make(chan struct{})
		var asked atomic.Int64
		src.Ready = func(context.Context) bool {
			asked.Add(1)
			<-hang
			return true
		}
		m.Read(src)
		has(t, m, `swarmcall_ready 0`, `swarmcall_log_position 77`)
		has(t, m, `swarmcall_ready 0`)
		if n := asked.Load(); n != 1 {
			t.Errorf("%d questions wait for the log, want 1", n)
		}
		close(hang)
		synctest.Wait()
		has(t, m, `swarmcall_ready 1`)
	})
}
