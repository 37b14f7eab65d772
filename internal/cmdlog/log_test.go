package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestMain(m *testing.M) {
	// The engine's random source of ids ends with the process.
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
	first, err := l.Append(t.Context(), records)
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
			l, err = Open(t.Context(), Config{Dir: dir, Node: "test", Replay: func(pos uint64, _ swarm.Record) { replayed = append(replayed, pos) }})
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

func TestBatchesKeepOrderAndPositions(t *testing.T) {
	l := open(t, t.TempDir())
	defer shut(t, l)
	next := l.Last() + 1
	for _, n := range []int{1, 2, batchFrom - 1, batchFrom, 40, batchMost + 3} {
		records := make([]swarm.Record, n)
		for i := range records {
			records[i] = swarmtest.Issued(fmt.Sprintf("s%d", next+uint64(i)), "a")
		}
		if first := add(t, l, records...); first != next {
			t.Fatalf("%d records begin at %d, want %d", n, first, next)
		}
		next += uint64(n)
		e, err := l.Entry(t.Context(), next-1)
		if err != nil || e.Issued.Submitter != fmt.Sprintf("s%d", next-1) {
			t.Errorf("last of %d: %+v %v", n, e.Issued, err)
		}
	}
}

func TestPageAgainstAModel(t *testing.T) {
	l := open(t, t.TempDir())
	defer shut(t, l)
	var all []swarm.Entry
	for i := range 60 {
		r := swarmtest.Issued([]string{"ci", "ui", "cron"}[i%3], "a")
		r.Command = swarm.Command{Type: swarm.CommandTypes()[i%2*2], Players: int64(1 - i%2)}
		e := swarm.Entry{Seq: add(t, l, r), Issued: r}
		if i%4 != 0 {
			kind := []swarm.VerdictKind{swarm.Acked, swarm.Superseded}[i%2]
			e.Closed = swarmtest.Closed(e.Seq, swarm.Verdict{Kind: kind})
			add(t, l, e.Closed)
		}
		all = append(all, e)
	}
	rapid.Check(t, func(t *rapid.T) {
		q := swarm.Query{
			Submitter: rapid.SampledFrom([]string{"", "ci", "ui", "nobody"}).Draw(t, "submitter"),
			Type:      rapid.SampledFrom([]swarm.CommandType{"", swarm.SetPlayers, swarm.Stop}).Draw(t, "type"),
			Status:    rapid.SampledFrom([]swarm.Status{"", swarm.Pending, swarm.Complete, swarm.SupersededStatus}).Draw(t, "status"),
			Before:    rapid.Uint64Range(0, 120).Draw(t, "before"), After: rapid.Uint64Range(0, 120).Draw(t, "after"),
			Ascending: rapid.Bool().Draw(t, "ascending"), Limit: rapid.IntRange(1, 70).Draw(t, "limit"),
		}
		var want []uint64
		for _, e := range all {
			if (q.Submitter == "" || e.Issued.Submitter == q.Submitter) && (q.Type == "" || e.Issued.Command.Type == q.Type) &&
				(q.Status == "" || e.Status() == q.Status) && (q.Before == 0 || e.Seq < q.Before) && e.Seq > q.After {
				want = append(want, e.Seq)
			}
		}
		if !q.Ascending {
			slices.Reverse(want)
		}
		more := len(want) > q.Limit
		if more {
			want = want[:q.Limit]
		}
		page, err := l.Page(context.Background(), q)
		if err != nil {
			t.Fatal(err)
		}
		var got []uint64
		for _, e := range page.Entries {
			got = append(got, e.Seq)
		}
		if !slices.Equal(got, want) || page.More != more {
			t.Fatalf("%+v: got %v more %v, want %v more %v", q, got, page.More, want, more)
		}
	})
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
		verdicts[i] = swarm.Verdict{Kind: swarm.Rejected, Code: "busy", Detail: strings.Repeat("x", swarm.MaxRejectDetailBytes)}
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
	if _, err := l.engine.js.Publish(t.Context(), logfile.Subject, stray); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Append(t.Context(), []swarm.Record{swarmtest.Issued("ci", "a")}); swarm.CodeOf(err) != swarm.CodeLogUnavailable {
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
