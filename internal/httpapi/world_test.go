package httpapi

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/api/apitest"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// world is the router on fakes. Each answer is checked against the contract.
type world struct {
	*fake
	handler http.Handler
}

func newWorld(t testing.TB, change func(*Config)) *world {
	t.Helper()
	w := &world{fake: newFake()}
	cfg := Config{
		Commands: w.fake, Log: w.fake, Feed: w.fake, Fleet: w.fake, DriverSocket: socket, Pages: pages,
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; version=0.0.4")
			_, _ = io.WriteString(w, "swarmcall_ready 1\n")
		}),
		Nodes:           func() []swarm.Node { return nil },
		DefaultDeadline: 2 * time.Second, Listen: "127.0.0.1:8080", Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if w.handler, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	return w
}

// answer is any answer: an entry, a page, a health or a problem document.
type answer struct {
	*http.Response `json:"-"`
	body           string

	Code      string           `json:"code"`
	Detail    string           `json:"detail"`
	RequestID string           `json:"request_id"`
	Seq       uint64           `json:"seq"`
	Acked     *[]any           `json:"acked"`
	Items     []map[string]any `json:"items"`
	Next      *string          `json:"next_cursor"`
	Counts    map[string]int   `json:"counts"`
	Entry     map[string]any   `json:"entry"`
	Errors    []struct{ Pointer, Detail string }
}

// RoundTrip answers without a network, so that [apitest.Transport] can check the answer.
func (w *world) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	return rec.Result(), nil
}

// do sends a request. Headers are "Name: value"; a body is JSON unless they name another type.
func (w *world) do(t testing.TB, method, target, body string, headers ...string) answer {
	t.Helper()
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, content)
	r.Host = "127.0.0.1:8080"
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		switch name, value, _ := strings.Cut(line, ": "); name {
		case "Host":
			r.Host = value
		case "Content-Type":
			r.Header.Set(name, value)
		default:
			r.Header.Add(name, value)
		}
	}
	resp, err := apitest.Transport(w).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := answer{Response: resp, body: string(b)}
	if h := resp.Header.Get("Content-Type"); strings.HasSuffix(h, "/json") || strings.HasSuffix(h, "+json") {
		if err := json.Unmarshal(b, &a); err != nil {
			t.Fatalf("%s %s: %v in %s", method, target, err, b)
		}
	}
	return a
}

// refused checks that an answer is the problem document of a code.
func (a answer) refused(t testing.TB, status int, code string) {
	t.Helper()
	if a.StatusCode != status || a.Code != code {
		t.Errorf("got %d %q (%s), want %d %q", a.StatusCode, a.Code, a.Detail, status, code)
	}
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q, want application/problem+json", got)
	}
	if a.RequestID == "" || a.RequestID != a.Header.Get("X-Request-Id") {
		t.Errorf("request id %q in the body, %q in the header", a.RequestID, a.Header.Get("X-Request-Id"))
	}
}

const stop = `{"command":{"type":"stop"}}`

// pagePath is below the pages' own subtree, whose handler gets every method.
const pagePath = "/ui/base.css"
