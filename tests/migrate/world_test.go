package migrate

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/natstest"
)

// makeLog makes a log with every kind of record, two writers, an outcome of many drivers, and this many commands more.
func makeLog(t testing.TB, more int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	l, err := cmdlog.Open(t.Context(), cmdlog.Config{Dir: dir, Node: "local", Sync: cmdlog.SyncInterval})
	if err != nil {
		t.Fatal(err)
	}
	many := make([]swarm.Verdict, 2000)
	targets := make([]string, len(many))
	for i := range many {
		targets[i] = fmt.Sprintf("d-%04d", i)
		many[i] = swarm.Verdict{Kind: swarm.Acked, Latency: time.Duration(i*i) * time.Microsecond}
	}
	other := swarmtest.Stop("ui", "d-1")
	other.Node, other.Key, other.RequestHash = "other", "key-1", []byte{1, 2, 3}
	kept := swarmtest.Closed(5, swarm.Verdict{Kind: swarm.Superseded})
	kept.Node = "other"
	records := []swarm.Record{
		swarmtest.Issued("ci/nightly", "d-1", "d-2"), // 2
		swarmtest.Closed(2, swarm.Verdict{Kind: swarm.Rejected, Code: "busy", Detail: "later"},
			swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDeadline}),
		swarmtest.Late(2, "d-2"),
		other, // 5
		swarmtest.Issued("ci", targets...),
		kept,
		swarmtest.Closed(6, many...),
		&swarm.Reset{Node: "test", At: swarmtest.Noon, Cause: "no session for 10m0s"},
		&swarm.Expired{Node: "test", At: swarmtest.Noon, Replaced: 6, Cause: "no driver"}, // 10
	}
	for n := range more {
		records = append(records, swarmtest.Issued("ci", fmt.Sprintf("d-%d", n)))
		seq := uint64(len(records) + 1)
		records = append(records, swarmtest.Closed(seq, swarm.Verdict{Kind: swarm.Acked, Latency: time.Millisecond}))
	}
	add(t, l, records...)
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	return dir
}

func add(t testing.TB, l *cmdlog.Log, records ...swarm.Record) {
	t.Helper()
	for len(records) > 0 {
		n := min(len(records), 500)
		if _, err := l.Append(t.Context(), l.Last(), records[:n]); err != nil {
			t.Fatal(err)
		}
		records = records[n:]
	}
}

// result is how a call of the command line ended.
type result struct {
	code     int // -1: by a signal
	out, err string
}

// cli runs the command line. If hit names one of a failpoint, it ends by kill -9 there.
func cli(t testing.TB, hit string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(binaries, "swarmcall"), args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.Env = append(os.Environ(), "SWARMCALL_FAILPOINT="+hit)
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// ok runs the command line, which must succeed.
func ok(t testing.TB, args ...string) (out string) {
	t.Helper()
	r := cli(t, "", args...)
	if r.code != 0 {
		t.Fatalf("%v: code %d\n%s%s", args, r.code, r.out, r.err)
	}
	return r.out
}

// refused runs the command line, which must fail with 1 and say each of these.
func refused(t *testing.T, args []string, says ...string) {
	t.Helper()
	r := cli(t, "", args...)
	text := strings.Join(strings.Fields(r.err), " ")
	for _, want := range says {
		if r.code != 1 || !strings.Contains(text, want) {
			t.Errorf("%v: code %d, want 1 with %q\n%s%s", args, r.code, want, r.out, r.err)
		}
	}
}

func migrate(dir, urls string, more ...string) []string {
	return append([]string{"log", "migrate", "--data-dir", dir, "--nats-url", urls}, more...)
}

// node starts a server on the log in NATS.
func node(t *testing.T, urls, name string) *servertest.Server {
	t.Helper()
	cfg := servertest.Config(t)
	cfg.NATSURL, cfg.NodeName = urls, name
	return servertest.Start(t, cfg)
}

// answers are what a server answers to reads of its log.
func answers(t *testing.T, url string) (all []string) {
	t.Helper()
	for _, path := range []string{
		"/commands?limit=7", "/commands?limit=1000&order=asc", "/commands/2", "/commands/5", "/commands/6",
		"/commands?submitter=ui", "/commands/export",
	} {
		all = append(all, path+"\n"+get(t, url+path))
	}
	return all
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v\n%s", url, resp.Status, err, body)
	}
	return string(body)
}

// same compares answers, and shows the first difference.
func same(t *testing.T, was, is []string) {
	t.Helper()
	for i := range was {
		if was[i] == is[i] {
			continue
		}
		at := 0
		for at < min(len(was[i]), len(is[i])) && was[i][at] == is[i][at] {
			at++
		}
		from := max(0, at-200)
		t.Errorf("%.40s… differs from byte %d on; it was\n%.400s\nand is\n%.400s", was[i], at, was[i][from:], is[i][from:])
	}
}

func jet(t testing.TB, conn *nats.Conn) jetstream.JetStream {
	t.Helper()
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// logStream creates the stream as a node does, with changed settings.
func logStream(t *testing.T, c *natstest.Cluster, change ...func(*jetstream.StreamConfig)) jetstream.JetStream {
	t.Helper()
	js := jet(t, c.Connect(t, c.URLs()))
	cfg := stream.Config{Name: logfile.StreamName, Subject: logfile.Subject, Replicas: 1, MaxBytes: 1 << 28}.Settings()
	for _, f := range change {
		f(&cfg)
	}
	if _, err := js.CreateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	return js
}

// fresh removes the stream of the log.
func fresh(t testing.TB, c *natstest.Cluster) {
	t.Helper()
	conn := c.Connect(t, c.URLs())
	defer conn.Close()
	if err := jet(t, conn).DeleteStream(t.Context(), logfile.StreamName); err != nil {
		t.Fatal(err)
	}
}
