package cmdlog

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

const (
	engineFiles = "jetstream/jetstream/$G/streams/SWARMCALL/msgs"
	firstBlock  = engineFiles + "/1.blk"
	summary     = engineFiles + "/index.db"
)

// TestASummaryAheadOfTheRecords: the engine writes its summary of the blocks at any time, and a power cut may leave it
// with records whose blocks were never synced. The log ends where its records end.
func TestASummaryAheadOfTheRecords(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	add(t, l, swarmtest.Issued("ci", "a"))
	last := l.Last()
	shut(t, l)
	synced, mark := read(t, dir, firstBlock), read(t, dir, "mark")
	l = open(t, dir)
	add(t, l, swarmtest.Issued("ci", "a"))
	shut(t, l) // writes a summary
	write(t, dir, firstBlock, synced)
	write(t, dir, "mark", mark)
	l = open(t, dir)
	defer shut(t, l)
	if l.Last() != last {
		t.Errorf("the log ends at %d, want %d", l.Last(), last)
	}
	if next := add(t, l, swarmtest.Issued("ci", "a")); next != last+1 {
		t.Errorf("the next record is at %d, want %d", next, last+1)
	}
}

// TestAnEndThatWasNeverAcknowledged: records after the mark are kept, and their bytes do not change.
func TestAnEndThatWasNeverAcknowledged(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	var marks [][]byte
	for range 40 {
		add(t, l, swarmtest.Issued("ci", "a"))
		marks = append(marks, read(t, dir, "mark"))
	}
	last := l.Last()
	shut(t, l)
	block := read(t, dir, firstBlock)
	for _, n := range []int{0, 20, 38} {
		write(t, dir, "mark", marks[n])
		l = open(t, dir)
		if l.Last() != last {
			t.Errorf("with the mark of %d records: the log ends at %d, want %d", n+1, l.Last(), last)
		}
		shut(t, l)
		if string(read(t, dir, firstBlock)) != string(block) {
			t.Errorf("with the mark of %d records: the block is another one", n+1)
		}
	}
}

// TestAFailedSyncEndsTheLog: an append whose sync fails is refused, and the log accepts nothing from then on.
func TestAFailedSyncEndsTheLog(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	defer shut(t, l)
	before := l.Last()
	write(t, dir, firstBlock+".new", read(t, dir, firstBlock))
	// From now on, the log syncs another file than the one that it reads.
	if err := os.Rename(filepath.Join(dir, firstBlock+".new"), filepath.Join(dir, firstBlock)); err != nil {
		t.Fatal(err)
	}
	first, err := l.Append(t.Context(), l.Last(), []swarm.Record{swarmtest.Issued("ci", "a")})
	if swarm.CodeOf(err) != swarm.CodeLogUnavailable || l.Last() != before {
		t.Errorf("append: %d, %v; the log ends at %d", first, err, l.Last())
	}
	if p, err := l.Page(context.Background(), swarm.Query{Limit: 10}); err != nil || len(p.Entries) > 0 {
		t.Errorf("what was refused is read: %+v %v", p, err)
	}
	then(t, l, true)
}

func read(t *testing.T, dir, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, dir, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		t.Fatal(err)
	}
}
