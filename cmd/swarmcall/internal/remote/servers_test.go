package remote_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// hosts answers requests by the script of their host, and records the order of the hosts.
type hosts struct {
	mu      sync.Mutex
	of      map[string]*scripted
	asked   []string
	targets []string
}

func (h *hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	h.mu.Lock()
	h.asked, h.targets = append(h.asked, r.Host), append(h.targets, r.URL.RequestURI())
	s := h.of[r.Host]
	h.mu.Unlock()
	return s.RoundTrip(r)
}

func (h *hosts) order() string { return strings.Join(h.asked, " ") }

// dialTwo returns a client of http://a and http://b. It notes what was said about retries.
func dialTwo(t *testing.T, patience time.Duration, a, b []reply) (*remote.Client, *hosts, *[]string) {
	t.Helper()
	now, said := time.Now(), new([]string)
	h := &hosts{of: map[string]*scripted{"a": {answers: a, began: now}, "b": {answers: b, began: now}}}
	c, err := remote.Dial(remote.Config{
		URL: "http://a/, http://b/x/", From: "--url", HTTP: h,
		Patience: remote.Patience{For: patience, Note: func(why string, in time.Duration) {
			if in == 0 {
				why += " (at once)"
			}
			*said = append(*said, why)
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, h, said
}

var (
	list    = status(200, `{"items": [], "counts": {}, "next_cursor": null}`)
	unready = status(503, problem)
	nobody  = reply{func(*http.Request) (*http.Response, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: syscall.EHOSTUNREACH}
	}}
)

func drivers(ctx context.Context, c *remote.Client) error {
	_, err := c.Drivers(ctx, remote.DriverFilter{})
	return err
}

// TestNextServer: a request goes on to the next server without a wait, even without patience, and the next request
// begins where this one was answered.
func TestNextServer(t *testing.T) {
	for name, tc := range map[string]struct {
		first reply
		said  string
	}{
		"no connection": {nobody, "http://a: dial tcp: no route to host (at once)"},
		"never started": {refusedAt("127.0.0.1"), "http://a: dial tcp 127.0.0.1:1: connection refused (at once)"},
		"lost":          {lost, "http://a: unexpected EOF (at once)"},
		"cut":           {cut, "http://a: unexpected EOF (at once)"},
		"cannot serve":  {unready, "http://a: the server answered 503 Service Unavailable (at once)"},
		"a proxy":       {status(502, "oops"), "http://a: a proxy or another server answered 502 (at once)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, h, said := dialTwo(t, 0, []reply{tc.first}, []reply{list})
				for range 2 {
					if err := drivers(t.Context(), c); err != nil {
						t.Fatal(err)
					}
				}
				if h.order() != "a b b" || h.targets[1] != "/x/drivers?limit=1000" || c.Server() != "http://b/x" {
					t.Errorf("asked %s %s, then %s", h.order(), h.targets, c.Server())
				}
				if took := h.of["b"].at[1]; took != 0 {
					t.Errorf("took %v", took)
				}
				if len(*said) != 1 || !strings.HasPrefix((*said)[0], tc.said) {
					t.Errorf("said %q, want %q", *said, tc.said)
				}
			})
		})
	}
}

// TestWhatStaysAtAServer: any server would answer the same, or the limit is meant for all.
func TestWhatStaysAtAServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, code := range []int{400, 401, 404, 409, 412, 422, 500} {
			c, h, _ := dialTwo(t, time.Minute, []reply{status(code, `{"status": 1, "code": "x"}`)}, []reply{list})
			if err := drivers(t.Context(), c); err == nil || h.order() != "a" {
				t.Errorf("%d: %v after %s", code, err, h.order())
			}
		}
		c, h, _ := dialTwo(t, time.Minute, []reply{status(429, problem, "Retry-After", "3"), list}, []reply{list})
		if err := drivers(t.Context(), c); err != nil || h.order() != "a a" || h.of["a"].at[1] < 3*time.Second {
			t.Errorf("429: %v after %s, %v", err, h.order(), h.of["a"].at)
		}
	})
}

// TestACommandAtTwoServers: with a key a command is repeated at the next server; without one only if the first has not
// received any of it.
func TestACommandAtTwoServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tc := range map[string]struct {
			key   string
			first reply
			order string
		}{
			"a key, lost":            {"k", lost, "a b"},
			"a key, cannot serve":    {"k", unready, "a b"},
			"a key, no connection":   {"k", nobody, "a b"},
			"a key, silent":          {"k", mute, "a b"},
			"no key, lost":           {"", lost, "a"},
			"no key, cut":            {"", cut, "a"},
			"no key, silent":         {"", mute, "a"},
			"no key, cannot serve":   {"", unready, "a"},
			"no key, no connection":  {"", nobody, "a b"},
			"no key, no such server": {"", refusedAt("127.0.0.1"), "a b"},
		} {
			c, h, _ := dialTwo(t, time.Minute, []reply{tc.first}, []reply{status(202, pending)})
			_, err := c.Issue(t.Context(), remote.Submission{Command: remote.Command{Type: "stop"}}, tc.key)
			if h.order() != tc.order || (err == nil) != (tc.order == "a b") {
				t.Errorf("%s: %v after %s", name, err, h.order())
			}
			if b := h.of["b"]; tc.order == "a b" && (b.keys[0] != tc.key || b.bodies[0] != h.of["a"].bodies[0] ||
				b.bodies[0] == "" || c.Retries() != 1) {
				t.Errorf("%s: the second server got key %q and %q, %d retries", name, b.keys[0], b.bodies[0], c.Retries())
			}
			if err != nil && tc.first.do != nil && strings.Contains(clierr.Text(err), "http://b/x: ") {
				t.Errorf("%s: names a server that was not asked:\n%s", name, clierr.Text(err))
			}
		}
	})
}

// TestNoServer: the error names each server and what happened there, and patience bounds the tries.
func TestNoServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, last := range []reply{unready, nobody, status(404, "<h1>")} {
			c, h, _ := dialTwo(t, 5*time.Second, []reply{lost}, []reply{last})
			err := drivers(t.Context(), c)
			text := clierr.Text(err)
			if clierr.CodeOf(err) != clierr.Unreachable || !strings.Contains(text, "http://a: unexpected EOF\n") ||
				!strings.Contains(text, "http://b/x: ") {
				t.Errorf("%s", text)
			}
			if a, b := h.of["a"].at, h.of["b"].at; len(a) < 3 || len(b) < 3 || a[len(a)-1] > 5*time.Second ||
				b[len(b)-1] > 5*time.Second {
				t.Errorf("asked at %v and %v", a, b)
			}
		}
		c, h, _ := dialTwo(t, time.Minute, []reply{refusedAt("127.0.0.1")}, []reply{refusedAt("::1")})
		if err := drivers(t.Context(), c); clierr.CodeOf(err) != clierr.Unreachable || h.order() != "a b" ||
			time.Since(h.of["a"].began) != 0 {
			t.Errorf("nothing was ever started: %v after %s", err, h.order())
		}
	})
}

// TestRetryAfterIsOfOneServer: one that asks to be left alone does not delay the other.
func TestRetryAfterIsOfOneServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := status(503, problem, "Retry-After", "60")
		c, h, _ := dialTwo(t, 10*time.Second, []reply{busy}, []reply{lost, lost, list})
		if err := drivers(t.Context(), c); err != nil || h.order() != "a b b b" {
			t.Errorf("%v after %s", err, h.order())
		}
	})
}

// sse is a stream of events that is cut after the last one, or ends.
func sse(end error, ids ...string) reply {
	var text strings.Builder
	for _, id := range ids {
		text.WriteString("id: " + id + "\nevent: closed\ndata: {}\n\n")
	}
	return reply{func(r *http.Request) (*http.Response, error) {
		resp, err := status(200, "", "Content-Type", "text/event-stream").do(r)
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(text.String()), breaking{end}))
		return resp, err
	}}
}

type breaking struct{ err error }

func (b breaking) Read([]byte) (int, error) { return 0, b.err }

// TestAStreamMovesOn: a stream that is cut, or ended, resumes at the next server after its last event.
func TestAStreamMovesOn(t *testing.T) {
	for _, end := range []error{io.ErrUnexpectedEOF, io.EOF} {
		synctest.Test(t, func(t *testing.T) {
			c, h, said := dialTwo(t, time.Minute, []reply{sse(end, "5", "6"), unready}, []reply{sse(end, "8"), sse(end, "9")})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var seen []string
			err := c.Watch(ctx, "", "4", func() {}, func(e remote.Event) error {
				if seen = append(seen, e.ID); e.ID == "9" {
					cancel()
				}
				return nil
			})
			want := []string{"/commands/stream?after=4", "/x/commands/stream?after=6", "/commands/stream?after=8",
				"/x/commands/stream?after=8"}
			if err != nil || strings.Join(seen, " ") != "5 6 8 9" || !slices.Equal(h.targets, want) {
				t.Errorf("%v, events %v, asked %v; said %q", err, seen, h.targets, *said)
			}
		})
	}
}

// TestAStreamAtNoServer: the error names all of them. If none was ever started, there is no second try.
func TestAStreamAtNoServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := []reply{refusedAt("127.0.0.1")}
		c, h, said := dialTwo(t, time.Minute, never, never)
		err := c.Watch(t.Context(), "", "", func() {}, func(remote.Event) error { return nil })
		if clierr.CodeOf(err) != clierr.Unreachable || h.order() != "a b" || len(*said) != 1 {
			t.Errorf("%v after %s; said %q", err, h.order(), *said)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		c, h, _ := dialTwo(t, 2*time.Second, []reply{nobody}, []reply{status(404, "<h1>")})
		err := c.Watch(t.Context(), "", "", func() {}, func(remote.Event) error { return nil })
		text := clierr.Text(err)
		if clierr.CodeOf(err) != clierr.Unreachable || len(h.asked) < 4 || !strings.Contains(text, "http://a: ") ||
			!strings.Contains(text, "http://b/x: ") {
			t.Errorf("after %s:\n%s", h.order(), text)
		}
		failed := errors.New("the caller's")
		c, h, _ = dialTwo(t, time.Minute, []reply{nobody}, []reply{sse(io.EOF, "1")})
		err = c.Watch(t.Context(), "", "", func() {}, func(remote.Event) error { return failed })
		if !errors.Is(err, failed) || h.order() != "a b" {
			t.Errorf("%v after %s", err, h.order())
		}
	})
}

func TestBadLists(t *testing.T) {
	for list, want := range map[string]string{
		"http://a,":                  "URL 2 of 2 is empty; remove a comma",
		"http://a,http://a/":         "is listed twice",
		"http://a,https://b":         "http and https are mixed",
		"http://a,b:8080":            `"b:8080" is not a server address`,
		"ftp://a,ftp://u:s3cret@b":   `"ftp://a" is not a server address`,
		"http://u:s3cret@a,http://a": "is listed twice",
	} {
		_, err := remote.Dial(remote.Config{URL: list, From: "SWARMCALL_URL"})
		text := clierr.Text(err)
		if clierr.CodeOf(err) != clierr.Usage || !strings.Contains(text, want) || strings.Contains(text, "s3cret") ||
			!strings.Contains(text, "comes from SWARMCALL_URL") {
			t.Errorf("%s:\n%s", list, text)
		}
	}
}

// TestEachServer: a client for each, with the settings of the whole list.
func TestEachServer(t *testing.T) {
	c, h, _ := dialTwo(t, 0, []reply{list}, []reply{list})
	if c.URL() != "http://a,http://b/x" || c.Address() != "http://a,http://b/x" {
		t.Errorf("%s, %s", c.URL(), c.Address())
	}
	each, err := c.Each()
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range each {
		if err := drivers(t.Context(), one); err != nil {
			t.Error(err)
		}
	}
	if h.order() != "a b" || each[1].URL() != "http://b/x" {
		t.Errorf("asked %s", h.order())
	}
}
