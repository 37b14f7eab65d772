package cmdlog

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// replayed opens the log in dir, returns its records by position, and closes it.
func replayed(t *testing.T, dir string) map[uint64]swarm.Record {
	t.Helper()
	got := map[uint64]swarm.Record{}
	l, err := Open(t.Context(), Config{
		Dir: dir, Node: "test", Replay: func(pos uint64, r swarm.Record) { got[pos] = r },
	})
	if err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	shut(t, l)
	return got
}

// TestTheEngineOpensABackup: the copy does not have the engine's summary of the blocks. The engine reads the blocks,
// and the log continues.
func TestTheEngineOpensABackup(t *testing.T) {
	for _, name := range []string{"log-v1", "log-v1-loss"} {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(t.TempDir(), "backup")
		if _, err := logfile.Backup(t.Context(), dir, to); err != nil {
			t.Fatal(err)
		}
		if r, err := logfile.Scan(t.Context(), to, nil); err != nil || r.Err() != nil || len(r.Notes) > 0 {
			t.Errorf("%s: %v %v", name, r, err)
		}
		if diff := cmp.Diff(replayed(t, dir), replayed(t, to)); diff != "" {
			t.Errorf("%s (-log +copy):\n%s", name, diff)
		}
		l := open(t, to)
		next := l.Last() + 1
		if pos := add(t, l, swarmtest.Stop("ci", "a")); pos != next {
			t.Errorf("%s: the copy goes on at %d, want %d", name, pos, next)
		}
		shut(t, l)
	}
}

// TestBackupOfALogThatGrows copies a log of several blocks again and again while records arrive. Each copy has what was
// appended before it started, and no more than there is.
func TestBackupOfALogThatGrows(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for range 5 {
		add(t, l, bulky())
	}
	writing, cease := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for writing.Err() == nil {
			batch := make([]swarm.Record, 24)
			for i := range batch {
				batch[i] = swarmtest.Stop("ci", "a")
			}
			for _, records := range [][]swarm.Record{batch, {swarmtest.Issued("ci", "a")}} {
				if _, err := l.Append(context.Background(), l.Last(), records); err != nil {
					t.Error(err)
				}
			}
		}
	}()
	for range 5 {
		before := l.Last()
		to := filepath.Join(t.TempDir(), "backup")
		r, err := logfile.Backup(t.Context(), dir, to)
		if err != nil {
			t.Fatal(err)
		}
		if after := l.Last(); r.Last < before || r.Last > after+2*12 || r.Blocks < 2 {
			t.Errorf("%d records in %d blocks; the log had %d before and %d after", r.Last, r.Blocks, before, after)
		}
		if got := replayed(t, to); uint64(len(got)) != r.Last {
			t.Errorf("the copy has %d records, want %d", len(got), r.Last)
		}
	}
	cease()
	<-ended
	shut(t, l)
}

// bulky returns a record of some megabytes, even when it is compressed.
func bulky() swarm.Record {
	targets := make([]string, 120_000)
	for i := range targets {
		targets[i] = rand.Text()
	}
	return swarmtest.Issued("ci", targets...)
}
