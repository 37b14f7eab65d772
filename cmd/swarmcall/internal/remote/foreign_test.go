package remote_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// strangers are answers of proxies and other servers while the server restarts, by their description in errors.
var strangers = map[string]reply{
	"404 text/html, server: nginx": status(404, "<h1>404</h1>", "Content-Type", "text/html; charset=utf-8", "Server",
		"nginx"),
	"200 text/html":        status(200, "<h1>be right back</h1>", "Content-Type", "text/html"),
	"200 application/json": status(200, `{"status": "maintenance"}`, "Content-Type", "application/json"),
	"200 application/json, server: a": status(200, `{"items": [{"driver_id":`,
		"Content-Type", "application/json", "Server", "a"),
	"200 without a body":      status(200, ""),
	"302 to https://sign.in/": status(302, "", "Location", "https://sign.in/", "Content-Type", ""),
	"401 text/plain":          status(401, "who are you?", "Content-Type", "text/plain"),
	"400 application/problem+json": status(400, ` {"type": "about:blank", "code": "bad"}`,
		"Content-Type", "application/problem+json"),
	"403 application/problem+json": status(403, ` {"type": "urn:swarmcall:problem:x", "co`,
		"Content-Type", "application/problem+json"),
	"422 application/json": status(422, ` {"type": "urn:swarmcall:problem:x", "code": "x"}`,
		"Content-Type", "application/json"),
	"500 text/plain":     status(500, "oops", "Content-Type", "text/plain"),
	"504 without a body": status(504, "", "Content-Type", ""),
}

// TestStrangersAreUnavailable: an answer that is not from Swarmcall is retried while there is time, and then the error
// describes it: for reads, commands and streams.
func TestStrangersAreUnavailable(t *testing.T) {
	for want, stranger := range strangers {
		t.Run(want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				list := status(200, `{"items": [], "counts": {}, "next_cursor": null}`)
				c, s := dial(t, time.Minute, stranger, stranger, list)
				if _, err := c.Drivers(t.Context(), remote.DriverFilter{}); err != nil || len(s.at) != 3 {
					t.Errorf("a read: %v after %d requests", err, len(s.at))
				}
				c, s = dial(t, time.Minute, stranger, stranger, status(202, pending))
				if _, err := c.Issue(t.Context(), remote.Submission{}, "k"); err != nil || len(s.at) != 3 ||
					s.keys[2] != "k" {
					t.Errorf("a command: %v after %d requests", err, len(s.at))
				}
				c, s = dial(t, 5*time.Second, stranger)
				_, err := c.Issue(t.Context(), remote.Submission{}, "k")
				text := clierr.Text(err)
				if clierr.CodeOf(err) != clierr.Unreachable || remote.RefusalOf(err) != nil || len(s.at) < 2 ||
					!strings.Contains(text, "a proxy or another server answered "+want+"\n") {
					t.Errorf("after %d requests:\n%s", len(s.at), text)
				}
				c, _ = dial(t, 0, stranger)
				err = c.Watch(t.Context(), "", "", func() {}, func(remote.Event) error { return nil })
				if clierr.CodeOf(err) != clierr.Unreachable ||
					!strings.Contains(err.Error(), "a proxy or another server answered ") {
					t.Errorf("a stream: %v", err)
				}
			})
		})
	}
}

// TestAStreamOutlivesAStranger: the stream continues where it was interrupted.
func TestAStreamOutlivesAStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stream := status(200, "id: 7\nevent: closed\ndata: {}\n\n", "Content-Type", "text/event-stream")
		c, s := dial(t, time.Minute, strangers["200 text/html"], strangers["404 text/html, server: nginx"], stream)
		seen := 0
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		err := c.Watch(ctx, "", "", func() {}, func(remote.Event) error { seen++; cancel(); return nil })
		if err != nil || seen != 1 || len(s.at) != 3 {
			t.Errorf("%v, %d events, %d requests", err, seen, len(s.at))
		}
	})
}

// after delays a reply by d.
func after(d time.Duration, then reply) reply {
	return reply{func(r *http.Request) (*http.Response, error) {
		if !remote.Sleep(r.Context(), d) {
			return nil, r.Context().Err()
		}
		return then.do(r)
	}}
}

// TestRetriesCountFromTheFirstFailure, not from the start of a request that waits. Each request waits a short time.
func TestRetriesCountFromTheFirstFailure(t *testing.T) {
	const closed = `{"seq": 7, "status": "complete", "command": {"type": "stop"}}`
	synctest.Test(t, func(t *testing.T) {
		open := after(8*time.Second, status(200, pending))
		c, s := dial(t, 5*time.Second, open, after(7*time.Second, lost), lost, open, status(200, closed))
		a, err := c.Outcome(t.Context(), 7, time.Minute)
		if err != nil || !remote.Closed(a.Value) || len(s.at) != 5 {
			t.Errorf("%+v, %v after %d requests", a.Value, err, len(s.at))
		}
		c, s = dial(t, 5*time.Second, after(7*time.Second, lost))
		_, err = c.Outcome(t.Context(), 7, time.Minute)
		if took := time.Since(s.began); clierr.CodeOf(err) != clierr.Unreachable || took < 10*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		c, _ = dial(t, 5*time.Second, after(8*time.Second, status(200, pending)), after(7*time.Second, lost), lost)
		_, err = c.Outcome(t.Context(), 7, time.Minute)
		if clierr.CodeOf(err) != clierr.Timeout || !strings.Contains(clierr.Text(err), "swarmcall commands show 7") {
			t.Errorf("a server that is away in the midst of it: %v", err)
		}
		for i, wait := range s.waits {
			if wait > 8*time.Second {
				t.Errorf("request %d waits %v", i, wait)
			}
		}
	})
}

// refusedAt returns the error of dialling a port on which nothing listens.
func refusedAt(ip string) reply {
	return reply{func(*http.Request) (*http.Response, error) {
		addr := &net.TCPAddr{IP: net.ParseIP(ip), Port: 1}
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: addr, Err: syscall.ECONNREFUSED}
	}}
}

// TestARefusedPortOfThisMachine: a refused port of this machine fails at once, unless the user asked to wait or the
// server has answered before.
func TestARefusedPortOfThisMachine(t *testing.T) {
	list := status(200, `{"items": [], "counts": {}, "next_cursor": null}`)
	for name, tc := range map[string]struct {
		answers []reply
		insist  bool
		asked   int
	}{
		"nothing there":        {[]reply{refusedAt("127.0.0.1"), list}, false, 1},
		"nothing there, IPv6":  {[]reply{refusedAt("::1"), list}, false, 1},
		"it is to be waited":   {[]reply{refusedAt("127.0.0.1"), list}, true, 2},
		"another machine":      {[]reply{refusedAt("192.0.2.1"), list}, false, 2},
		"it hung up, and went": {[]reply{status(503, problem), refusedAt("127.0.0.1"), list}, false, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &scripted{answers: tc.answers, began: time.Now()}
				patience := remote.Patience{For: time.Minute, Insist: tc.insist}
				c, err := remote.Dial(remote.Config{URL: "http://swarm", HTTP: s, Patience: patience})
				if err != nil {
					t.Fatal(err)
				}
				_, err = c.Drivers(t.Context(), remote.DriverFilter{})
				if len(s.at) != tc.asked || (err == nil) != (tc.asked > 1) {
					t.Errorf("%v after %d requests", err, len(s.at))
				}
			})
		})
	}
}
