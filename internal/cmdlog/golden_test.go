package cmdlog

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

var update = flag.Bool("update", false, "rewrite the golden logs; only for a new format version")

// goldenRecords are the records of the golden log after its first: every kind, a second writer, and one over the
// compression limit.
func goldenRecords() []swarm.Record {
	many := make([]swarm.Verdict, 600)
	for i := range many {
		many[i] = swarm.Verdict{Kind: swarm.Acked, Latency: time.Duration(i) * time.Microsecond}
	}
	targets := make([]string, len(many))
	for i := range targets {
		targets[i] = "d-" + string(rune('a'+i/26)) + string(rune('a'+i%26))
	}
	other := swarmtest.Stop("ui", "d-1")
	other.Node, other.Key, other.RequestHash = "other", "key-1", []byte{1, 2, 3}
	return []swarm.Record{
		swarmtest.Issued("ci/nightly@host", "d-1", "d-2", "d-3"),
		swarmtest.Closed(2, swarm.Verdict{Kind: swarm.Acked, Latency: time.Millisecond},
			swarm.Verdict{Kind: swarm.Rejected, Latency: time.Millisecond, Code: "busy", Detail: "later"},
			swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonNodeLost}),
		swarmtest.Late(2, "d-3"),
		other,
		swarmtest.Issued("ci", targets...),
		swarmtest.Closed(6, many...),
		&swarm.Reset{Node: "test", At: swarmtest.Noon, Cause: "no session for 10m0s"},
		swarmtest.Stop("ci", "d-1"),
	}
}

// TestGoldenLogs opens the directories that format version 1 wrote: logs outlive servers. One of them has an accepted
// loss.
func TestGoldenLogs(t *testing.T) {
	if *update {
		writeGoldenLogs(t)
	}
	for name, lost := range map[string]uint64{"log-v1": 0, "log-v1-loss": 3} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
			t.Fatal(err)
		}
		got := map[uint64]swarm.Record{}
		l, err := Open(t.Context(), Config{
			Dir: dir, Node: "test", Replay: func(pos uint64, r swarm.Record) { got[pos] = r },
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for i, want := range goldenRecords() {
			pos := uint64(i) + 2
			if pos == lost {
				want = nil
			}
			if diff := cmp.Diff(want, got[pos]); diff != "" {
				t.Errorf("%s, position %d (-want +got):\n%s", name, pos, diff)
			}
		}
		if lost != 0 {
			reset, _ := got[10].(*swarm.Reset)
			if reset == nil || !slices.Equal(reset.Lost, []swarm.Span{{From: lost, To: lost}}) || reset.Epoch != 2 {
				t.Errorf("%s: the acceptance is %+v", name, got[10])
			}
		}
		add(t, l, swarmtest.Stop("ci", "a"))
		shut(t, l)
	}
}

func writeGoldenLogs(t *testing.T) {
	t.Helper()
	dir := filepath.Join("testdata", "log-v1")
	if err := errors.Join(os.RemoveAll(dir), os.RemoveAll(dir+"-loss")); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir)
	for _, r := range goldenRecords() {
		add(t, l, r)
	}
	shut(t, l)
	if err := os.CopyFS(dir+"-loss", os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	var third logfile.Stored
	if _, err := logfile.Scan(context.Background(), dir, func(s logfile.Stored) {
		if s.Position == 3 {
			third = s
		}
	}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir+"-loss", third.File)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[third.Offset+100] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	l, err = Open(t.Context(), Config{Dir: dir + "-loss", Node: "test", AcceptLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	shut(t, l)
}
