package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened returns a log that is closed at the end of the test, without an error.
func opened(t *testing.T, cfg Config, d disk) *Log {
	t.Helper()
	l, err := open(cfg, d)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// all returns the events of a log, the oldest first, read in pages.
func all(t *testing.T, l *Log, limit int) (events []Event) {
	t.Helper()
	for cursor := ""; ; {
		page, next, err := l.Page(cursor, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) > limit || next != "" && len(page) < limit {
			t.Fatalf("a page of %d events, with limit %d and next %q", len(page), limit, next)
		}
		for _, e := range page {
			events = append([]Event{e}, events...)
		}
		if next == "" {
			return events
		}
		cursor = next
	}
}

// details returns the details of events.
func details(events []Event) (list []string) {
	for _, e := range events {
		list = append(list, e.Detail)
	}
	return list
}

func act(detail string) Event {
	return Event{Kind: swarm.AuditReloaded, Detail: detail, Via: swarm.Via{Server: true}}
}

func refusal(addr, name string) Event {
	return Event{Kind: swarm.AuditRefused, Name: name, Code: swarm.CodeForbidden, Method: "POST", Route: "/commands",
		Detail: "no", Via: swarm.Via{Credential: "token:0123abcd", RemoteAddr: addr, RequestID: "r"}}
}

func TestRoundTrip(t *testing.T) {
	dir := t.TempDir()
	l, err := Open(Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	moment := time.Date(2026, 11, 30, 15, 0, 0, 123_000_000, time.UTC)
	want := []Event{
		{At: moment, Kind: swarm.AuditRefused, Name: "ci/nightly", Code: swarm.CodeForbidden, Method: "POST", Route: "/commands",
			Detail: "a <b> & \"c\"", DriverID: "d-1", Count: 3, Until: moment.Add(time.Second),
			Via: swarm.Via{Credential: "token:0123abcd", RemoteAddr: "192.0.2.1", RequestID: "req-1"}},
		{At: moment, Kind: swarm.AuditStarted, Via: swarm.Via{Server: true}},
		{At: moment, Kind: swarm.AuditSignedIn, Name: "alice"},
	}
	for _, e := range want {
		l.Record(e)
	}
	for range 2 {
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	l.Record(act("after the end"))
	if got := all(t, l, 2); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	data, err := os.ReadFile(filepath.Join(dir, Name))
	first := `{"at":"2026-11-30T15:00:00.123Z","kind":"refused","name":"ci/nightly","code":"forbidden","method":"POST",` +
		`"route":"/commands","detail":"a <b> & \"c\"","driver_id":"d-1","count":3,"until":"2026-11-30T15:00:01.123Z",` +
		`"via":{"credential":"token:0123abcd","remote_addr":"192.0.2.1","request_id":"req-1"}}` + "\n" +
		`{"at":"2026-11-30T15:00:00.123Z","kind":"started","via":{"server":true}}` + "\n"
	if err != nil || !strings.HasPrefix(string(data), first) {
		t.Errorf("%v, %s", err, data)
	}
	if info, err := os.Stat(filepath.Join(dir, Name)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, mode %v", err, info.Mode())
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []Config{{}, {Dir: "x", MaxBytes: -1}, {Dir: "x", Keep: -1}} {
		if _, err := Open(cfg); err == nil || !strings.Contains(err.Error(), "audit log") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, Name), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, filepath.Join(dir, "none")} {
		if _, err := Open(Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// slow is a disk whose writes wait.
func slow(gate chan struct{}) disk {
	return disk{rename: os.Rename, open: func(path string) (io.WriteCloser, int64, error) {
		f, size, err := openForAppending(path)
		return &gated{f, gate}, size, err
	}}
}

type gated struct {
	io.WriteCloser
	gate chan struct{}
}

func (g *gated) Write(b []byte) (int, error) {
	<-g.gate
	return g.WriteCloser.Write(b)
}

// TestASlowDiskHoldsNobody: while a write hangs, Record returns, and what does not fit into the queue is reported.
func TestASlowDiskHoldsNobody(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		l := opened(t, Config{Dir: dir}, slow(gate))
		l.Record(act("written"))
		synctest.Wait() // the writer hangs with the first event
		for i := range maxQueue + 100 {
			l.Record(act(fmt.Sprint(i)))
		}
		close(gate)
		synctest.Wait()
		got := all(t, l, 1000)
		if len(got) != 1+1+maxQueue || got[1].Kind != swarm.AuditLost || got[1].Count != 100 || got[2].Detail != "0" ||
			got[1].Via != (swarm.Via{Server: true}) || !strings.Contains(got[1].Detail, "faster") {
			t.Errorf("%d events, the second is %+v", len(got), got[1])
		}
	})
}

// small is a disk with a number of bytes left. Its last write is short.
type small struct {
	left atomic.Int64
	gone atomic.Bool // nothing can be opened
}

func (s *small) disk() disk {
	return disk{rename: os.Rename, open: func(path string) (io.WriteCloser, int64, error) {
		if s.gone.Load() {
			return nil, 0, errors.New("gone")
		}
		f, size, err := openForAppending(path)
		return &bounded{f, s}, size, err
	}}
}

type bounded struct {
	io.WriteCloser
	of *small
}

func (b *bounded) Write(p []byte) (int, error) {
	fits := min(b.of.left.Load(), int64(len(p)))
	n, err := b.WriteCloser.Write(p[:fits])
	b.of.left.Add(-int64(n))
	if err == nil && n < len(p) {
		err = &os.PathError{Op: "write", Path: "/secret/place", Err: syscall.ENOSPC}
	}
	return n, err
}

// TestAFullDisk: what does not fit is dropped and counted. When there is space again, even without a further event, the
// file says how many are missing, and every line of it is whole.
func TestAFullDisk(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := &small{}
		s.left.Store(350) // four events, and a part of the fifth
		l := opened(t, Config{Dir: dir, Logger: slog.New(slog.NewTextHandler(&out, nil))}, s.disk())
		began := time.Now()
		for i := range 10 {
			l.Record(act(fmt.Sprint(i)))
			synctest.Wait()
			<-time.After(time.Second)
		}
		if got := details(all(t, l, 3)); !reflect.DeepEqual(got, []string{"0", "1", "2", "3"}) {
			t.Errorf("while it is full, it has %q", got)
		}
		s.left.Store(1 << 20)
		<-time.After(retry)
		synctest.Wait()
		got := all(t, l, 3)
		last := got[len(got)-1]
		if len(got) != 5 || last.Kind != swarm.AuditLost || last.Count != 6 || last.Detail != "no space left on device" ||
			!last.At.Equal(began.Add(4*time.Second)) || !last.Until.Equal(began.Add(9*time.Second)) {
			t.Errorf("%d events, the last is %+v", len(got), last)
		}
		if text := out.String(); strings.Count(text, "cannot write") != 1 || strings.Count(text, "count=6") != 1 {
			t.Errorf("the server logged %s", text)
		}
		l.Record(act("after"))
		synctest.Wait()
		data, err := os.ReadFile(filepath.Join(dir, Name))
		if err != nil || strings.Count(string(data), "\n") != 6 {
			t.Errorf("%v, %s", err, data)
		}
	})
}

// TestLossAtTheEnd: Close does not wait for space, and says what is lost.
func TestLossAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &small{}
		l, err := open(Config{Dir: dir}, s.disk())
		if err != nil {
			t.Fatal(err)
		}
		l.Record(refusal("192.0.2.1", ""))
		synctest.Wait()
		s.gone.Store(true) // it is opened again after an error
		l.Record(refusal("192.0.2.1", ""))
		l.Record(refusal("192.0.2.1", ""))
		if err := l.Close(); err == nil || !strings.Contains(err.Error(), "3 events") {
			t.Errorf("%v", err)
		}
	})
}

// TestAFileThatCannotBeRenamed: the size stays within its bound; events are lost until it can.
func TestAFileThatCannotBeRenamed(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		broken.Store(true)
		d := disk{open: openForAppending, rename: func(from, to string) error {
			if broken.Load() {
				return &os.LinkError{Op: "rename", Old: from, New: to, Err: syscall.EIO}
			}
			return os.Rename(from, to)
		}}
		l := opened(t, Config{Dir: dir, MaxBytes: 300}, d)
		for i := range 10 {
			l.Record(act(fmt.Sprint(i)))
			synctest.Wait()
		}
		if got := details(all(t, l, 10)); !reflect.DeepEqual(got, []string{"0", "1", "2"}) {
			t.Errorf("it has %q", got)
		}
		broken.Store(false)
		<-time.After(retry)
		synctest.Wait()
		if got := all(t, l, 10); len(got) != 4 || got[3].Count != 7 || got[3].Detail != "input/output error" {
			t.Errorf("it has %+v", got)
		}
	})
}

// TestManyWritersAndReaders: whatever is written and renamed meanwhile, a reader sees each event once, the newest of
// each writer first, until it asks for what has been deleted.
func TestManyWritersAndReaders(t *testing.T) {
	const writers, each = 4, 3000
	l, err := Open(Config{Dir: t.TempDir(), MaxBytes: 20_000, Keep: 3})
	if err != nil {
		t.Fatal(err)
	}
	var writing, reading sync.WaitGroup
	ended := make(chan struct{})
	for w := range writers {
		writing.Go(func() {
			for i := range each {
				l.Record(act(fmt.Sprintf("%d %d", w, i)))
			}
		})
	}
	for range 3 {
		reading.Go(func() {
			for {
				if err := descending(l, writers, each); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-ended:
					return
				default:
				}
			}
		})
	}
	writing.Wait()
	close(ended)
	reading.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := descending(l, writers, each); err != nil {
		t.Error(err)
	}
	files, err := filepath.Glob(filepath.Join(l.files.dir, "*"))
	if err != nil || len(files) > 4 {
		t.Errorf("%v, %q", err, files)
	}
	for _, path := range files {
		if info, err := os.Stat(path); err != nil || info.Size() > 20_000 || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %s has %d bytes, mode %v", err, path, info.Size(), info.Mode())
		}
	}
}

// descending reads a log from its newest event on, as far as it can.
func descending(l *Log, writers, each int) error {
	below := make([]int, writers)
	for w := range below {
		below[w] = each
	}
	for cursor := ""; ; {
		page, next, err := l.Page(cursor, 7)
		if swarm.CodeOf(err) == swarm.CodeBadRequest && cursor != "" {
			return nil // deleted
		}
		if err != nil {
			return err
		}
		for _, e := range page {
			var w, i int
			if _, err := fmt.Sscanf(e.Detail, "%d %d", &w, &i); e.Kind != swarm.AuditLost && (err != nil || i >= below[w]) {
				return fmt.Errorf("%q comes after %d: %w", e.Detail, below[w], err)
			}
			if e.Kind != swarm.AuditLost {
				below[w] = i
			}
		}
		if next == "" {
			return nil
		}
		cursor = next
	}
}
