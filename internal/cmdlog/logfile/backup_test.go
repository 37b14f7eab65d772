package logfile

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// sourceLog is a log of six records in three blocks, without the engine's files, and its mark at the fourth.
type sourceLog struct {
	dir    string
	blocks [][]byte // by number - 1
	sums   []Sum    // of the records, by position
}

func newSource(t *testing.T) *sourceLog {
	t.Helper()
	c, err := NewCodec()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := &sourceLog{dir: filepath.Join(t.TempDir(), "data"), sums: []Sum{{}}}
	records := []swarm.Record{
		&swarm.Reset{Node: "test", At: swarmtest.Noon, Cause: "new log", LogID: "0011223344556677", Epoch: 1},
		swarmtest.Issued("ci", "a"), swarmtest.Closed(2, swarm.Verdict{Kind: swarm.Acked}),
		swarmtest.Stop("ci", "a"), swarmtest.Issued("ci", "a"), swarmtest.Closed(4, swarm.Verdict{Kind: swarm.Acked}),
	}
	for i := range 3 {
		b, err := newBlock(i+1, nil)
		if err != nil {
			t.Fatal(err)
		}
		var data []byte
		for j := 2 * i; j < 2*i+2; j++ {
			payload, own, err := c.Encode(records[j], s.sums[j])
			if err != nil {
				t.Fatal(err)
			}
			data, s.sums = append(data, framed(b, uint64(j)+1, payload)...), append(s.sums, own)
		}
		s.blocks = append(s.blocks, data)
	}
	if err := os.MkdirAll(filepath.Join(s.dir, blockDir), 0o750); err != nil {
		t.Fatal(err)
	}
	s.write(t)
	s.mark(t, 4)
	return s
}

func (s *sourceLog) write(t *testing.T) {
	t.Helper()
	for i, data := range s.blocks {
		if err := os.WriteFile(filepath.Join(s.dir, blockName(i+1)), data, 0o640); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *sourceLog) mark(t *testing.T, pos int) {
	t.Helper()
	m := Mark{Position: uint64(pos), Sum: s.sums[pos], LogID: "0011223344556677", Epoch: 1, Session: swarmtest.Noon}
	if err := writeMark(s.dir, m); err != nil {
		t.Fatal(err)
	}
}

// target returns the directory for the backup; left lists what is there and next to it.
func (s *sourceLog) target() string { return filepath.Join(filepath.Dir(s.dir), "backups", "one") }

func (s *sourceLog) left(t *testing.T) (names []string) {
	t.Helper()
	files, err := os.ReadDir(filepath.Dir(s.target()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

func TestBackupIsTheLog(t *testing.T) {
	s := newSource(t)
	r, err := Backup(t.Context(), s.dir, s.target())
	if err != nil || r.Records != 6 || r.Last != 6 || r.Torn != nil || r.Blocks != 3 {
		t.Fatalf("%+v %v", r, err)
	}
	for i, want := range s.blocks {
		if got, err := os.ReadFile(filepath.Join(s.target(), blockName(i+1))); err != nil || !bytes.Equal(got, want) {
			t.Errorf("block %d is another: %v", i+1, err)
		}
	}
	// The mark of the log named the fourth record. That of the copy names the last one, so that a later loss of its end
	// is detected.
	want := Mark{Position: 6, Sum: s.sums[6], LogID: "0011223344556677", Epoch: 1, Session: swarmtest.Noon}
	if got, _, notes, err := readMark(s.target()); got != want || len(notes) > 0 || err != nil {
		t.Errorf("the mark is %+v, want %+v; %v %v", got, want, notes, err)
	}
	if names := s.left(t); len(names) != 1 {
		t.Errorf("beside the target is more: %q", names)
	}
	err = filepath.WalkDir(s.target(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if want := map[bool]fs.FileMode{true: 0o700, false: 0o600}[d.IsDir()]; info.Mode().Perm() != want {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestBackupEndsWithAWholeRecord cuts the last block off at many of its bytes, as if a server were writing to it.
func TestBackupEndsWithAWholeRecord(t *testing.T) {
	s := newSource(t)
	last := s.blocks[2]
	b, err := newBlock(3, last)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := b.frame(0)
	for size := range last {
		if off := size - first.size; size%23 != 0 && (off < -1 || off > 1) {
			continue // skip most sizes, because each backup waits for the disk a dozen times
		}
		s.blocks[2] = last[:size]
		s.write(t)
		r, err := Backup(t.Context(), s.dir, s.target())
		if err != nil {
			t.Fatalf("cut to %d bytes: %v", size, err)
		}
		want, torn := uint64(4), size
		if size >= first.size {
			want, torn = 5, size-first.size
		}
		if r.Last != want || (torn > 0) != (r.Torn != nil) || r.Torn != nil && r.Torn.Bytes != int64(torn) {
			t.Errorf("cut to %d bytes: %+v, want %d records and %d bytes torn", size, r, want, torn)
		}
		again, err := Scan(t.Context(), s.target(), nil)
		if err != nil || again.Err() != nil || again.Torn != nil || again.Last != want || again.Mark.Position != want {
			t.Errorf("cut to %d bytes: the copy is %+v, %v", size, again, err)
		}
		if err := os.RemoveAll(s.target()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestBackupRefuses: a damaged log is not copied, and nothing is left that could be mistaken for a backup.
func TestBackupRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(t *testing.T, s *sourceLog)
		want   string
	}{
		"a flipped bit in the middle": {func(_ *testing.T, s *sourceLog) { s.blocks[1][40] ^= 1 },
			"msgs/2.blk at byte 0"},
		"a missing block": {func(t *testing.T, s *sourceLog) {
			s.blocks = s.blocks[:1]
			if err := os.Remove(filepath.Join(s.dir, blockName(2))); err != nil {
				t.Fatal(err)
			}
		}, "log records 3 to 4 are damaged"},
		"an end before the mark": {func(t *testing.T, s *sourceLog) {
			s.mark(t, 6)
			s.blocks[2] = s.blocks[2][:10]
		}, "msgs/3.blk at byte 0"},
		"no mark": {func(t *testing.T, s *sourceLog) {
			if err := os.Remove(filepath.Join(s.dir, markName)); err != nil {
				t.Fatal(err)
			}
		}, "the mark file is missing"},
		"no log": {func(t *testing.T, s *sourceLog) {
			s.blocks = nil
			if err := os.RemoveAll(s.dir); err != nil {
				t.Fatal(err)
			}
		}, ErrNoLog.Error()},
		"blocks are gone": {func(t *testing.T, s *sourceLog) {
			s.blocks = nil
			if err := os.RemoveAll(filepath.Join(s.dir, EngineDir)); err != nil {
				t.Fatal(err)
			}
		}, "which was acknowledged"},
		"a target with a file in it": {func(t *testing.T, s *sourceLog) {
			if err := os.MkdirAll(s.target(), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(s.target(), "x"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, "is not empty"},
		"a target that is a file": {func(t *testing.T, s *sourceLog) {
			if err := os.MkdirAll(filepath.Dir(s.target()), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(s.target(), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}, ErrTarget.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSource(t)
			tc.change(t, s)
			s.write(t)
			was := s.left(t)
			if _, err := Backup(t.Context(), s.dir, s.target()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %q", err, tc.want)
			}
			if is := s.left(t); len(is) != len(was) {
				t.Errorf("left behind: %q", is)
			}
		})
	}
}

// TestBackupOfANewerLog: it is not called damaged, however its newer records look to this program.
func TestBackupOfANewerLog(t *testing.T) {
	s := newSource(t)
	b, err := newBlock(2, s.blocks[1])
	if err != nil {
		t.Fatal(err)
	}
	first, _ := b.frame(0)
	newer := bytes.Clone(first.payload)
	newer[2] = 0xff
	s.blocks[1] = append(framed(b, first.pos, newer), s.blocks[1][first.size:]...)
	s.write(t)
	r, err := Backup(t.Context(), s.dir, s.target())
	damaged, ok := errors.AsType[*DamagedError](err)
	if !ok || !damaged.Newer || r.Newer() == nil || len(s.left(t)) > 0 {
		t.Errorf("%v, left %q", err, s.left(t))
	}
}

func TestBackupTargets(t *testing.T) {
	s := newSource(t)
	if err := os.MkdirAll(s.target(), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := Backup(t.Context(), s.dir, s.target()); err != nil {
		t.Errorf("an empty directory: %v", err)
	}
	for _, inside := range []string{s.dir, filepath.Join(s.dir, "backup"),
		filepath.Join(s.dir, "..", "data", "x", "y")} {
		if _, err := Backup(t.Context(), s.dir, inside); !errors.Is(err, ErrTarget) {
			t.Errorf("%s: %v", inside, err)
		}
	}
}

// TestBackupThatIsInterrupted leaves nothing behind.
func TestBackupThatIsInterrupted(t *testing.T) {
	s := newSource(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Backup(ctx, s.dir, s.target()); !errors.Is(err, context.Canceled) || len(s.left(t)) > 0 {
		t.Errorf("%v, left %q", err, s.left(t))
	}
}
