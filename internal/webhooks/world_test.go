package webhooks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// oneSecret is that of the example of Standard Webhooks.
const oneSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// fakeLog is a log in memory. It gives a reader ten records at a time.
type fakeLog struct {
	mu     sync.Mutex
	id     string
	events []*swarm.Event // that at position p is events[p-1]
	more   chan struct{}
	reads  int // that returned records
	broken error
}

// newLog returns a log with its first record.
func newLog() *fakeLog {
	l := &fakeLog{more: make(chan struct{})}
	l.add(&swarm.Reset{Node: "test", At: swarmtest.Noon, Cause: "new log", LogID: "a1b2", Epoch: 1})
	return l
}

func (l *fakeLog) add(records ...swarm.Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range records {
		e := &swarm.Event{Stored: swarm.Stored{Position: uint64(len(l.events)) + 1, Record: r}}
		l.events = append(l.events, e)
		if reset, ok := r.(*swarm.Reset); ok && reset.LogID != "" {
			l.id = fmt.Sprintf("%s.%d", reset.LogID, reset.Epoch)
		}
		if seq := e.Seq(); seq > 0 {
			e.Issued, _ = l.events[seq-1].Record.(*swarm.Issued)
		}
	}
	close(l.more)
	l.more = make(chan struct{})
}

// cut removes the newest records, as a crash of a machine does.
func (l *fakeLog) cut(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = l.events[:len(l.events)-n]
}

// wipe removes all records, as if the directory of the log had been replaced.
func (l *fakeLog) wipe() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events, l.id = nil, ""
}

func (l *fakeLog) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.broken = err
}

func (l *fakeLog) ID() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id
}

func (l *fakeLog) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return uint64(len(l.events))
}

func (l *fakeLog) batches() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reads
}

func (l *fakeLog) After(ctx context.Context, position uint64) ([]*swarm.Event, error) {
	for {
		l.mu.Lock()
		more, err := l.more, l.broken
		var next []*swarm.Event
		if err == nil && position < uint64(len(l.events)) {
			next = slices.Clone(l.events[position:min(int(position)+10, len(l.events))])
			l.reads++
		}
		l.mu.Unlock()
		if err != nil || next != nil {
			return next, err
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (l *fakeLog) Events(_ context.Context, q swarm.EventQuery) (out []*swarm.Event, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if q.Common && e.Seq() == 0 && e.Position > q.After && e.Position <= q.UpTo && len(out) < q.Limit {
			out = append(out, e)
		}
	}
	return out, l.broken
}

// posted is a request that an endpoint got.
type posted struct {
	*http.Request
	body string
}

func (p posted) id() string { return p.Header.Get("Webhook-Id") }

// endpoint is a transport that answers itself. answer is called by one request at a time. If it returns nil, there is
// no answer until the request's context ends. Without it, everything is accepted.
type endpoint struct {
	mu     sync.Mutex
	got    []posted
	answer func(p posted) *http.Response
}

func (e *endpoint) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	if resp := e.take(posted{r, string(body)}); resp != nil {
		return resp, nil
	}
	<-r.Context().Done()
	return nil, fmt.Errorf("dial tcp 192.0.2.1:443: %w", r.Context().Err())
}

func (e *endpoint) take(p posted) *http.Response {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, p)
	if e.answer == nil {
		return says(http.StatusNoContent, "")
	}
	return e.answer(p)
}

func (e *endpoint) answers(f func(p posted) *http.Response) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.answer = f
}

func (e *endpoint) posts() []posted {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.got)
}

// ids are the ids of the requests so far, without the id of the log.
func (e *endpoint) ids() string {
	var all []string
	for _, p := range e.posts() {
		_, position, _ := strings.Cut(p.id(), "-")
		all = append(all, position)
	}
	return strings.Join(all, " ")
}

// says makes an answer with headers "Name: value".
func says(status int, body string, headers ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		resp.Header.Set(name, value)
	}
	return resp
}

// world is a sender with a file, a log and an endpoint.
type world struct {
	*Sender
	t        *testing.T
	log      *fakeLog
	endpoint *endpoint
	dir      string
	lines    *lines
	end      func() // stops Run, and waits for that
}

// lines is the log of a sender.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// hookRow is a valid row of the file, with more fields such as ", events: [command.late]".
func hookRow(name, more string) string {
	return "  - {name: " + name + ", url: 'https://u:pass@hooks.example.com/path?key=query', secret: " + oneSecret + more +
		"}\n"
}

// newWorld opens a sender. It does not run yet.
func newWorld(t *testing.T, rows ...string) *world {
	t.Helper()
	w := &world{t: t, log: newLog(), endpoint: &endpoint{}, dir: t.TempDir(), lines: &lines{}}
	w.write(rows...)
	w.open()
	return w
}

// run opens a sender and runs it until the test ends.
func run(t *testing.T, rows ...string) *world {
	t.Helper()
	w := newWorld(t, rows...)
	w.run()
	return w
}

func (w *world) path() string { return filepath.Join(w.dir, "hooks.yaml") }

func (w *world) write(rows ...string) {
	w.t.Helper()
	text := "webhooks:\n" + strings.Join(rows, "")
	if len(rows) == 0 {
		text = "webhooks: []\n"
	}
	if err := os.WriteFile(w.path(), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) open() {
	w.t.Helper()
	var err error
	w.Sender, err = Open(Config{
		File: w.path(), Dir: w.dir, Log: w.log, By: w.endpoint, Logger: slog.New(slog.NewTextHandler(w.lines, nil)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	w.end = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	w.t.Cleanup(w.end)
}

// restart ends the sender and opens it again, with the cursors on disk.
func (w *world) restart() {
	w.t.Helper()
	w.end()
	w.open()
	w.run()
}

// status is that of the first hook.
func (w *world) status() Status {
	w.t.Helper()
	all := w.Status()
	if len(all) == 0 {
		w.t.Fatal("there is no hook")
	}
	return all[0]
}

// delivered checks which records were posted so far, by position.
func (w *world) delivered(want string) {
	w.t.Helper()
	if got := w.endpoint.ids(); got != want {
		w.t.Errorf("posted %q, want %q\n%s", got, want, w.lines)
	}
}
