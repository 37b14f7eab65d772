package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(readerEnv); dir != "" {
		if err := readerProcess(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func open(t testing.TB, dir string) *Log {
	t.Helper()
	l, err := Open(t.Context(), Config{Dir: dir, Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func shut(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(context.Background()); err != nil {
		t.Error(err)
	}
}

func add(t testing.TB, l *Log, records ...swarm.Record) uint64 {
	t.Helper()
	first, err := l.Append(t.Context(), l.Last(), records)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

func TestEntriesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	id := l.ID()
	seq := add(t, l, swarmtest.Issued("ci", "a", "b", "c", "d"))
	outcome := swarmtest.Closed(seq,
		swarm.Verdict{Kind: swarm.Acked, Latency: 3 * time.Millisecond},
		swarm.Verdict{Kind: swarm.Rejected, Latency: time.Millisecond, Code: "over_local_limit", Detail: "at most 5"},
		swarm.Verdict{Kind: swarm.Superseded},
		swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonWriteTimeout})
	late := &swarm.Late{Seq: seq, Node: "test", At: swarmtest.Noon, Acks: []swarm.LateAck{
		{DriverID: "d", Reply: swarm.Reply{Applied: true}, Latency: 2400 * time.Millisecond},
	}}
	add(t, l, outcome, late)
	unfinished := add(t, l, swarmtest.Issued("ci", "a"))
	want := swarm.Entry{Seq: seq, Issued: swarmtest.Issued("ci", "a", "b", "c", "d"), Closed: outcome, Late: late.Acks}
	for _, when := range []string{"before", "after"} {
		got, err := l.Entry(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s the restart (-want +got):\n%s", when, diff)
		}
		if when == "before" {
			shut(t, l)
			var replayed []uint64
			var err error
			l, err = Open(t.Context(), Config{
				Dir: dir, Node: "test", Replay: func(pos uint64, _ swarm.Record) { replayed = append(replayed, pos) },
			})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(replayed, []uint64{1, 2, 3, 4, 5}) {
				t.Errorf("replayed %v", replayed)
			}
		}
	}
	defer shut(t, l)
	if l.ID() != id || !strings.HasSuffix(id, ".1") || l.Last() != 5 {
		t.Errorf("log %s ends at %d, was %s", l.ID(), l.Last(), id)
	}
	left, err := l.Unclosed(t.Context())
	if err != nil || len(left) != 1 || left[0].Seq != unfinished {
		t.Errorf("unclosed: %v %v, want %d", left, err, unfinished)
	}
	if _, err := l.Entry(t.Context(), 1); swarm.CodeOf(err) != swarm.CodeNotFound {
		t.Errorf("position 1 is a reset and no entry: %v", err)
	}
	if err := l.Check(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOneServerPerDirectory(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	defer shut(t, l)
	_, err := Open(t.Context(), Config{Dir: dir, Node: "test"})
	if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), "--data-dir") {
		t.Errorf("second open: %v, want an error with the path and the cure", err)
	}
}

func TestAWholeSwarmFitsIntoOneRecord(t *testing.T) {
	const n = 20_000
	l := open(t, t.TempDir())
	defer shut(t, l)
	ids, verdicts := make([]string, n), make([]swarm.Verdict, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("driver-%0120d", i*7919)
		verdicts[i] = swarm.Verdict{Kind: swarm.Acked, Latency: time.Duration(i*7919%900_000) * time.Microsecond}
	}
	for i := 0; i < n; i += 100 {
		verdicts[i] = swarm.Verdict{
			Kind: swarm.Rejected, Code: "busy", Detail: strings.Repeat("x", swarm.MaxRejectDetailBytes),
		}
	}
	slices.Sort(ids)
	seq := add(t, l, swarmtest.Issued("ci", ids...))
	want := swarmtest.Closed(seq, verdicts...)
	add(t, l, want)
	got, err := l.Entry(t.Context(), seq)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got.Issued.Targets, ids) || !slices.Equal(got.Closed.Verdicts, verdicts) {
		t.Error("20,000 verdicts did not come back as they went in")
	}
	b, _, err := l.codec.Encode(want, logfile.Sum{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%.2f bytes a verdict", float64(len(b))/n)
}

func TestOpenRefusesABrokenChain(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	stray, _, err := l.codec.Encode(swarmtest.Issued("ci", "a"), logfile.Sum{1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.local.js.Publish(t.Context(), logfile.Subject, stray); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), l.Last(), []swarm.Record{swarmtest.Issued("ci",
		"a")}); swarm.CodeOf(err) != swarm.CodeLogUnavailable {
		t.Errorf("append after a stranger: %v", err)
	}
	if err := <-l.Failed(); err == nil {
		t.Error("a stranger's record must end the log")
	}
	shut(t, l)
	_, err = Open(t.Context(), Config{Dir: dir, Node: "test"})
	var damaged *DamagedError
	if !errors.As(err, &damaged) || damaged.Position != 2 {
		t.Errorf("got %v, want damage at position 2", err)
	}
}
