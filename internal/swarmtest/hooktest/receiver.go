// Package hooktest is an endpoint of webhooks, for tests with a real server. It verifies each request by the library of
// Standard Webhooks.
package hooktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// Secret is the secret of every row that File writes.
const Secret = "whsec_c3dhcm1jYWxsIHRlc3RzIHdlYmhvb2tzIHdpdGggdGhpcw==" //nolint:gosec // it protects nothing

// Post is a request that was received.
type Post struct {
	ID       string
	Position uint64 // the end of ID
	Body     string
	Type     string // of Body, as Data
	Data     string
}

// Receiver is an HTTP server that can be down. Its address stays the same.
type Receiver struct {
	t    testing.TB
	addr string

	mu      sync.Mutex
	posts   map[string][]Post // by path
	answers map[string]int    // by path; absent: 204
	changed chan struct{}     // closed and replaced with each post

	server *http.Server
	served sync.WaitGroup
}

// New starts a receiver, until the test ends.
func New(t testing.TB) *Receiver {
	t.Helper()
	r := &Receiver{
		t: t, addr: "127.0.0.1:0", posts: map[string][]Post{}, answers: map[string]int{}, changed: make(chan struct{}),
	}
	r.Up()
	t.Cleanup(r.Down)
	return r
}

// Up starts a receiver that is down.
func (r *Receiver) Up() {
	r.t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", r.addr)
	if err != nil {
		r.t.Fatal(err)
	}
	r.addr = l.Addr().String()
	r.server = &http.Server{Handler: http.HandlerFunc(r.receive), ReadHeaderTimeout: time.Minute}
	server := r.server
	r.served.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			r.t.Error(err)
		}
	})
}

// Down closes the port and all connections.
func (r *Receiver) Down() {
	_ = r.server.Close()
	r.served.Wait()
}

// URL returns the address of a path.
func (r *Receiver) URL(path string) string { return "http://" + r.addr + path }

// Row is a row of a webhooks file for a path, with more fields such as ", events: [command.late]". Its name is the path
// without the slash.
func (r *Receiver) Row(path, more string) string {
	return fmt.Sprintf("  - {name: %s, url: %q, secret: %q%s}\n", strings.TrimPrefix(path, "/"), r.URL(path), Secret, more)
}

// File writes a webhooks file, and returns its path.
func File(t testing.TB, rows ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "webhooks.yaml")
	if err := os.WriteFile(path, []byte("webhooks:\n"+strings.Join(rows, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Answer sets the status of the answers to posts to a path.
func (r *Receiver) Answer(path string, status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers[path] = status
}

// Posts returns what was posted to a path so far.
func (r *Receiver) Posts(path string) []Post {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.posts[path])
}

// Until waits until found returns true for the posts to a path. It returns false if that takes too long.
func (r *Receiver) Until(path string, patience time.Duration, found func([]Post) bool) bool {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		r.mu.Lock()
		changed, ok := r.changed, found(r.posts[path])
		r.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-limit.C:
			return false
		}
	}
}

// Reached returns a condition for Until: the record at a position was posted.
func Reached(position uint64) func([]Post) bool {
	return func(posts []Post) bool { return len(posts) > 0 && posts[len(posts)-1].Position >= position }
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // the server was killed
	}
	p, err := parse(req.Header, body)
	if err != nil {
		r.t.Errorf("a request that is not as it should be: %v\n%v\n%s", err, req.Header, body)
	}
	r.mu.Lock()
	status := r.answers[req.URL.Path]
	if status == 0 {
		status = http.StatusNoContent
	}
	r.posts[req.URL.Path] = append(r.posts[req.URL.Path], p)
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
	w.WriteHeader(status)
}

// parse verifies a request and takes it apart.
func parse(h http.Header, body []byte) (p Post, err error) {
	hook, err := standardwebhooks.NewWebhook(Secret)
	if err != nil {
		return p, err
	}
	if err := hook.Verify(body, h); err != nil {
		return p, err
	}
	var parts struct {
		Type      string
		Timestamp time.Time
		Data      json.RawMessage
	}
	if err := json.Unmarshal(body, &parts); err != nil {
		return p, err
	}
	p = Post{ID: h.Get("Webhook-Id"), Body: string(body), Type: parts.Type, Data: string(parts.Data)}
	p.Position, err = strconv.ParseUint(p.ID[strings.LastIndexByte(p.ID, '-')+1:], 10, 64)
	if err != nil || parts.Timestamp.IsZero() {
		return p, fmt.Errorf("id %q, timestamp %v: %w", p.ID, parts.Timestamp, err)
	}
	return p, nil
}
