package cmdlog

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestTheLastSessionOutlivesTheServer(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	if s := l.LastSession(); !s.IsZero() {
		t.Errorf("a new log had a session at %v", s)
	}
	for i := range 3 {
		if err := l.TouchSession(swarmtest.Noon.Add(time.Duration(i) * time.Second)); err != nil {
			t.Fatal(err)
		}
	}
	add(t, l, swarmtest.Issued("ci", "a"))
	shut(t, l)
	l = open(t, dir)
	defer shut(t, l)
	if s := l.LastSession(); !s.Equal(swarmtest.Noon.Add(2 * time.Second)) {
		t.Errorf("the last session was at %v", s)
	}
}

func TestARaisedEpochIsANewName(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	was := l.ID()
	pos, err := l.Append(t.Context(), l.Last(), []swarm.Record{l.NextEpoch("a driver has applied more than this log holds")})
	if err != nil || pos != 2 || l.ID() != strings.TrimSuffix(was, ".1")+".2" {
		t.Errorf("at %d, %v: %s, was %s", pos, err, l.ID(), was)
	}
	id := l.ID()
	shut(t, l)
	l = open(t, dir)
	defer shut(t, l)
	if l.ID() != id {
		t.Errorf("after a restart %s, was %s", l.ID(), id)
	}
}

// TestEachWriterHasItsChain: several nodes may write to one log, and a node may be renamed.
func TestEachWriterHasItsChain(t *testing.T) {
	dir := t.TempDir()
	for _, node := range []string{"a", "b", "a", "c"} {
		l, err := Open(t.Context(), Config{Dir: dir, Node: node})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			r := swarmtest.Issued("ci", "d")
			r.Node = []string{node, "other"}[i%2]
			add(t, l, r)
		}
		shut(t, l)
	}
}

func TestSyncPolicies(t *testing.T) {
	for _, policy := range []SyncPolicy{SyncAlways, SyncInterval} {
		l, err := Open(t.Context(), Config{Dir: t.TempDir(), Node: "test", Sync: policy})
		if err != nil {
			t.Fatal(err)
		}
		add(t, l, swarmtest.Issued("ci", "a"))
		if l.SyncPolicy() != policy {
			t.Errorf("reports %s, configured %s", l.SyncPolicy(), policy)
		}
		shut(t, l)
	}
	if _, err := Open(t.Context(), Config{Dir: t.TempDir(), Sync: "never"}); err == nil ||
		!strings.Contains(err.Error(), "always or interval") {
		t.Errorf("an unknown policy: %v", err)
	}
}

func TestADirectoryThatCannotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		if _, err := Open(t.Context(), Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) ||
			!strings.Contains(err.Error(), "--data-dir") {
			t.Errorf("%s: %v, want an error with the path and the cure", dir, err)
		}
	}
}

// TestANewerFormatIsNotDamage: accepting a loss would cause the loss.
func TestANewerFormatIsNotDamage(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	b, _, err := l.codec.Encode(swarmtest.Issued("ci", "a"), l.heads["test"].Sum)
	if err != nil {
		t.Fatal(err)
	}
	b[2] = 99 // the version
	if err := l.local.write(t.Context(), b, l.Last()); err != nil {
		t.Fatal(err)
	}
	shut(t, l)
	for _, accept := range []bool{false, true} {
		_, err := Open(t.Context(), Config{Dir: dir, Node: "test", AcceptLoss: accept})
		if err == nil || !strings.Contains(err.Error(), "newer version of Swarmcall") ||
			!strings.Contains(err.Error(), "does not help") {
			t.Errorf("accept %v: %v", accept, err)
		}
	}
}

// TestALogOfSeveralFiles: the records exceed the size of one file of the engine, and then one file is missing.
func TestALogOfSeveralFiles(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for i := range 5 {
		ids := make([]string, 40_000)
		for k := range ids {
			ids[k] = fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, i, k))) // compresses badly
		}
		add(t, l, swarmtest.Issued("ci", ids...), swarmtest.Issued("ci", ids...), swarmtest.Issued("ci", ids...))
	}
	shut(t, l)
	blocks, err := filepath.Glob(filepath.Join(dir, "jetstream/jetstream/$G/streams/SWARMCALL/msgs/*.blk"))
	if err != nil || len(blocks) < 3 {
		t.Fatalf("%d files, %v", len(blocks), err)
	}
	shut(t, open(t, dir))
	if err := os.Remove(blocks[1]); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "missing") ||
		!strings.Contains(err.Error(), "3.blk at byte 0") {
		t.Errorf("a file is missing: %v", err)
	}
	l, err = Open(t.Context(), Config{Dir: dir, Node: "test", AcceptLoss: true})
	if err != nil {
		t.Fatal(err)
	}
	last := l.Last()
	shut(t, l)
	l = open(t, dir)
	defer shut(t, l)
	p, err := l.Page(t.Context(), swarm.Query{Limit: 1})
	if err != nil || len(p.Entries) != 1 || l.Last() != last || last != 17 {
		t.Errorf("the log ends at %d, then %d: %v", last, l.Last(), err)
	}
}
