package cmdlog

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// fill appends until the log refuses an ordinary command.
func fill(t *testing.T, l *Log) (last uint64, refusal error) {
	t.Helper()
	for range 100_000 {
		first, err := l.Append(t.Context(), l.Last(), []swarm.Record{swarmtest.Issued("ci", "a")})
		if err != nil {
			return last, err
		}
		last = first
	}
	t.Fatal("the log is never full")
	return 0, nil
}

func refusedFor(t *testing.T, err error, word string) {
	t.Helper()
	if swarm.CodeOf(err) != swarm.CodeLogUnavailable || !strings.Contains(err.Error(), word) {
		t.Errorf("got %v, want log_unavailable that names %s", err, word)
	}
}

func TestAFullLogTakesStopAndOutcomes(t *testing.T) {
	var words bytes.Buffer
	l, err := Open(t.Context(), Config{
		Dir: t.TempDir(), Node: "test", MaxBytes: 64 << 10, Logger: slog.New(slog.NewTextHandler(&words, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, l)
	last, err := fill(t, l)
	refusedFor(t, err, "--log-max-bytes")
	refusedFor(t, l.Check(t.Context()), "--log-max-bytes")
	if n := strings.Count(words.String(), "filling up"); n != 1 {
		t.Errorf("warned %d times, want once", n)
	}
	if u := l.Usage(); u.Max != 64<<10 || u.Bytes < u.Max*warnPercent/100 || u.Bytes > u.Max {
		t.Errorf("usage %+v", u)
	}
	mixed := []swarm.Record{swarmtest.Closed(last, swarm.Verdict{Kind: swarm.Acked}), swarmtest.Issued("ci", "a")}
	if _, err := l.Append(t.Context(), l.Last(), mixed); err == nil {
		t.Error("an ordinary command went in with an outcome")
	}
	stop := add(t, l, swarmtest.Stop("ci", "a"))
	add(t, l, swarmtest.Closed(last, swarm.Verdict{Kind: swarm.Acked}), swarmtest.Closed(stop, swarm.Verdict{
		Kind: swarm.Acked,
	}))
	add(t, l, swarmtest.Late(last, "a"), &swarm.Reset{Node: "test", At: swarmtest.Noon, Cause: "quiet"})
	for err = nil; err == nil; {
		_, err = l.Append(t.Context(), l.Last(), []swarm.Record{swarmtest.Stop("ci", "a")})
	}
	refusedFor(t, err, "--log-max-bytes")
	if e, err := l.Entry(t.Context(), last); err != nil || e.Closed == nil {
		t.Errorf("reading the full log: %+v %v", e, err)
	}
}

func TestAFullDiskIsDetectedBeforeTheEngine(t *testing.T) {
	l := open(t, t.TempDir())
	defer shut(t, l)
	free := int64(DefaultMinFree / 2)
	real := l.limits.free
	l.limits.free = func() (int64, error) { return free, nil }
	_, err := l.Append(t.Context(), l.Last(), []swarm.Record{swarmtest.Issued("ci", "a")})
	refusedFor(t, err, "disk is full")
	refusedFor(t, l.Check(t.Context()), "disk is full")
	stop := add(t, l, swarmtest.Stop("ci", "a"))
	free = DefaultMinFree / 5
	_, err = l.Append(t.Context(), l.Last(), []swarm.Record{swarmtest.Stop("ci", "a")})
	refusedFor(t, err, "disk is full")
	if _, err := l.Entry(t.Context(), stop); err != nil {
		t.Errorf("reading with a full disk: %v", err)
	}
	l.limits.free = real
	if err := l.Check(t.Context()); err != nil {
		t.Errorf("space is back: %v", err)
	}
	add(t, l, swarmtest.Issued("ci", "a"))
}

// TestASmallerBoundRemovesNothing: a log that is larger than its new limit keeps every record.
func TestASmallerBoundRemovesNothing(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for range 20 {
		add(t, l, swarmtest.Issued("ci", "a"))
	}
	shut(t, l)
	l, err := Open(t.Context(), Config{Dir: dir, Node: "test", MaxBytes: 4 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, l)
	if _, err := l.Append(t.Context(), l.Last(), []swarm.Record{swarmtest.Issued("ci", "a")}); err == nil {
		t.Error("a record went over the bound")
	}
	if p, err := l.Page(t.Context(), swarm.Query{Limit: 100}); err != nil || len(p.Entries) != 20 {
		t.Errorf("%d entries are left of 20: %v", len(p.Entries), err)
	}
}
