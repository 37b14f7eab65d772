// Package faults_test breaks what the server depends on, and counts what it does not notice. Each test prints its
// figure: violations v of n trials.
package faults_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestMain(m *testing.M) {
	for env, child := range map[string]func(string) error{writerEnv: writer, bulkWriterEnv: bulkWriter} {
		if dir := os.Getenv(env); dir != "" {
			if err := child(dir); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			os.Exit(0)
		}
	}
	goleak.VerifyTestMain(m)
}

// blockFile is the path of a small log, below its data directory.
const blockFile = "jetstream/jetstream/$G/streams/SWARMCALL/msgs/1.blk"

// smallLog returns the files of a log with every kind of record, singles and a batch.
func smallLog(t *testing.T) files {
	t.Helper()
	dir := t.TempDir()
	l := mustOpen(t, cmdlog.Config{Dir: dir, Node: "test"})
	seq := put(t, l, swarmtest.Issued("ci", "a", "b"))
	put(t, l, swarmtest.Closed(seq, swarm.Verdict{Kind: swarm.Acked}, swarm.Verdict{
		Kind: swarm.Missing, Reason: swarm.ReasonDeadline,
	}))
	put(t, l, swarmtest.Late(seq, "b"))
	var batch []swarm.Record
	for range 8 {
		batch = append(batch, swarmtest.Stop("ui", "a"))
	}
	put(t, l, batch...)
	put(t, l, swarmtest.Issued("ci", "a"))
	shut(t, l)
	return readFiles(t, dir)
}

func mustOpen(t *testing.T, cfg cmdlog.Config) *cmdlog.Log {
	t.Helper()
	l, err := cmdlog.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func shut(t *testing.T, l *cmdlog.Log) {
	t.Helper()
	if err := l.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, l *cmdlog.Log, records ...swarm.Record) uint64 {
	t.Helper()
	first, err := l.Append(t.Context(), l.Last(), records)
	if err != nil {
		t.Fatal(err)
	}
	return first
}

// files are a directory's files by name.
type files map[string][]byte

func readFiles(t *testing.T, dir string) files {
	t.Helper()
	all := files{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		all[name], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// write makes dir hold these files and no others.
func (f files) write(t *testing.T, dir string) {
	t.Helper()
	for name := range readFiles(t, dir) {
		if _, ok := f[name]; !ok {
			if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, b := range f {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := overwrite(path, b); err != nil {
			t.Fatal(err)
		}
	}
}

// overwrite is os.WriteFile without emptying the file first: ext4 treats that as a replacement and writes it to the
// disk at once, which is slow on a busy disk, thousands of times.
func overwrite(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	return errors.Join(err, f.Truncate(int64(len(b))), f.Close())
}

// with returns the files with one of them changed; nil removes it.
func (f files) with(name string, b []byte) files {
	changed := files{}
	for n, old := range f {
		changed[n] = old
	}
	changed[name] = b
	if b == nil {
		delete(changed, name)
	}
	return changed
}

func (f files) same(other files) bool {
	if len(f) != len(other) {
		return false
	}
	for name, b := range f {
		if o, ok := other[name]; !ok || !bytes.Equal(b, o) {
			return false
		}
	}
	return true
}

func flipped(b []byte, at int, mask byte) []byte {
	b = bytes.Clone(b)
	b[at] ^= mask
	return b
}

func scan(t *testing.T, dir string) (*logfile.Report, []logfile.Stored) {
	t.Helper()
	var all []logfile.Stored
	r, err := logfile.Scan(t.Context(), dir, func(s logfile.Stored) { all = append(all, s) })
	if err != nil {
		t.Fatal(err)
	}
	return r, all
}

// tally counts trials and what went wrong in them.
type tally struct {
	t             *testing.T
	what          string
	trials, wrong int
}

func (c *tally) trial(ok bool, format string, args ...any) {
	c.t.Helper()
	c.trials++
	if !ok {
		c.wrong++
		if c.wrong <= 10 {
			c.t.Errorf(format, args...)
		}
	}
}

func (c *tally) report() { c.t.Logf("%s: violations %d of %d", c.what, c.wrong, c.trials) }

// spoken returns a logger and the buffer that it writes to.
func spoken() (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelWarn})), &b
}

func timed(f func()) time.Duration {
	began := time.Now()
	f()
	return time.Since(began)
}
