package remote_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// reply is one scripted answer.
type reply struct {
	do func(*http.Request) (*http.Response, error)
}

// scripted answers requests with its answers in order, and records the requests. It runs in fake time.
type scripted struct {
	mu      sync.Mutex
	answers []reply
	at      []time.Duration // when the requests arrived
	keys    []string
	bodies  []string
	waits   []time.Duration // how long the requests ask the server to wait
	began   time.Time
}

func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	body := ""
	if r.Body != nil {
		b, _ := io.ReadAll(r.Body)
		body = string(b)
	}
	s.at, s.keys, s.bodies = append(s.at, time.Since(s.began)), append(s.keys,
		r.Header.Get("Idempotency-Key")), append(s.bodies, body)
	wait, _ := time.ParseDuration("0" + r.URL.Query().Get("wait_ms") + "ms")
	s.waits = append(s.waits, wait)
	next := s.answers[min(len(s.at), len(s.answers))-1]
	s.mu.Unlock()
	return next.do(r)
}

func status(code int, body string, header ...string) reply {
	return reply{func(r *http.Request) (*http.Response, error) {
		w := httptest.NewRecorder()
		if rest, ok := strings.CutPrefix(body, "{"); ok && code >= 400 { // a refusal is a problem document of Swarmcall
			body = `{"type": "urn:swarmcall:problem:x", ` + rest
			w.Header().Set("Content-Type", "application/problem+json")
		}
		for i := 0; i+1 < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
		resp := w.Result()
		resp.Request = r
		return resp, nil
	}}
}

var lost = reply{func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF }}

// cut answers and loses the connection in the middle of the body.
var cut = reply{func(r *http.Request) (*http.Response, error) {
	resp, err := status(http.StatusOK, "").do(r)
	resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(`{"items": [`), failing{}))
	return resp, err
}}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func dial(t *testing.T, patience time.Duration, answers ...reply) (*remote.Client, *scripted) {
	t.Helper()
	s := &scripted{answers: answers, began: time.Now()}
	c, err := remote.Dial(remote.Config{URL: "http://swarm/", From: "--url", HTTP: s,
		Patience: remote.Patience{For: patience}})
	if err != nil {
		t.Fatal(err)
	}
	return c, s
}

const (
	pending = `{"seq": 7, "status": "pending", "command": {"type": "stop"}}`
	problem = `{"status": 503, "code": "log_unavailable", "detail": "no", "request_id": "r-1"}`
)

// TestHeaders: each request has those of the configuration; none replaces the token.
func TestHeaders(t *testing.T) {
	var got http.Header
	c, err := remote.Dial(remote.Config{
		URL: "http://swarm/", Token: "t-1", Agent: "a-1",
		Header: http.Header{"Traceparent": {"00-x"}, "Authorization": {"Bearer other"}},
		HTTP: roundTripper(func(r *http.Request) (*http.Response, error) {
			got = r.Header
			return status(http.StatusOK, `{"version": "v1"}`).do(r)
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ServerVersion(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got.Get("Traceparent") != "00-x" || got.Get("Authorization") != "Bearer t-1" || got.Get("User-Agent") != "a-1" {
		t.Errorf("sent %v", got)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestACommandIsRetriedUnderItsKey: every try has the same key and the same body.
func TestACommandIsRetriedUnderItsKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := dial(t, time.Minute, lost, status(503, problem), status(429, problem), status(202, pending))
		a, err := c.Issue(t.Context(), remote.Submission{Command: remote.Command{Type: "stop"}}, "k-1")
		if err != nil || a.Value.Seq != 7 || c.Retries() != 3 {
			t.Fatalf("%+v, %v, %d retries", a, err, c.Retries())
		}
		for i := range s.at {
			if s.keys[i] != "k-1" || s.bodies[i] != s.bodies[0] || s.bodies[0] == "" {
				t.Errorf("try %d: key %q, body %q", i, s.keys[i], s.bodies[i])
			}
			if i > 0 && s.at[i] <= s.at[i-1] {
				t.Errorf("no wait before try %d: %v", i, s.at)
			}
		}
	})
}

// TestRetriesHonourTheServerAndEnd: Retry-After is the minimum wait, and patience bounds all retries.
func TestRetriesHonourTheServerAndEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := dial(t, 10*time.Second, status(503, problem, "Retry-After", "4"))
		_, err := c.Drivers(t.Context(), remote.DriverFilter{})
		if clierr.CodeOf(err) != clierr.Unreachable || !strings.Contains(clierr.Text(err), "request r-1") {
			t.Errorf("%v", err)
		}
		if len(s.at) != 3 || s.at[1] < 4*time.Second || s.at[2] < 8*time.Second || s.at[2] > 10*time.Second {
			t.Errorf("asked at %v", s.at)
		}
	})
}

func TestWhatIsNotRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, code := range []int{400, 401, 404, 409, 412, 422, 500} {
			c, s := dial(t, time.Minute, status(code, `{"status": 1, "code": "x"}`))
			if _, err := c.Drivers(t.Context(), remote.DriverFilter{}); err == nil || len(s.at) != 1 {
				t.Errorf("%d: %v after %d requests", code, err, len(s.at))
			}
		}
		c, s := dial(t, 0, lost)
		if _, err := c.Drivers(t.Context(), remote.DriverFilter{}); clierr.CodeOf(err) != clierr.Unreachable ||
			len(s.at) != 1 {
			t.Errorf("without patience: %v after %d requests", err, len(s.at))
		}
	})
}

// TestACutAnswerIsALostOne: half a list counts as no answer.
func TestACutAnswerIsALostOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := dial(t, time.Minute, cut, status(200, `{"items": [{"driver_id": "d-1"}], "next_cursor": null}`))
		if page, err := c.Drivers(t.Context(), remote.DriverFilter{}); err != nil || len(page.Items) != 1 {
			t.Errorf("%+v, %v", page, err)
		}
	})
}

// TestInterruptedInMidCommand: a command in progress has two seconds to receive its answer.
func TestInterruptedInMidCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(after time.Duration) reply {
			return reply{func(r *http.Request) (*http.Response, error) {
				if !remote.Sleep(r.Context(), after) {
					return nil, r.Context().Err()
				}
				return status(202, pending).do(r)
			}}
		}
		for after, want := range map[time.Duration]clierr.Code{time.Second: clierr.OK, time.Hour: clierr.Interrupted} {
			c, s := dial(t, time.Minute, slow(after))
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			began := time.Now()
			_, err := c.Issue(ctx, remote.Submission{}, "k")
			cancel()
			if clierr.CodeOf(err) != want || len(s.at) != 1 || time.Since(began) > 3*time.Second {
				t.Errorf("answered after %v: %v, after %v", after, err, time.Since(began))
			}
		}
	})
}

// mute accepts a request and never answers.
var mute = reply{func(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}}

// TestASilentServer: a request fails when its answer is overdue; the limit depends on the request. Quiet is called
// before that.
func TestASilentServer(t *testing.T) {
	stop := remote.Submission{Command: remote.Command{Type: "stop"}}
	for name, tc := range map[string]struct {
		ask  func(context.Context, *remote.Client) error
		told time.Duration
		want time.Duration
	}{
		"a read": {func(ctx context.Context, c *remote.Client) error {
			_, err := c.Drivers(ctx, remote.DriverFilter{})
			return err
		}, 2 * time.Second, 10 * time.Second},
		"a read that waits": {func(ctx context.Context, c *remote.Client) error {
			_, err := c.Outcome(ctx, 7, 5*time.Second)
			return err
		}, 7 * time.Second, 15 * time.Second},
		"a command": {func(ctx context.Context, c *remote.Client) error {
			_, err := c.Issue(ctx, stop, "k")
			return err
		}, 2 * time.Second, 10 * time.Second},
		"a command in limited time": {func(ctx context.Context, c *remote.Client) error {
			ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
			defer cancel()
			_, err := c.Issue(ctx, stop, "k")
			return err
		}, 2 * time.Second, 3 * time.Second},
		"a command with its outcome": {func(ctx context.Context, c *remote.Client) error {
			_, _, err := c.Submit(ctx, stop, "k")
			return err
		}, 62 * time.Second, 70 * time.Second},
		"a stream": {func(ctx context.Context, c *remote.Client) error {
			return c.Watch(ctx, "", "", func() {}, func(remote.Event) error { return nil })
		}, 2 * time.Second, 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			began, told := time.Now(), time.Duration(0)
			c, err := remote.Dial(remote.Config{
				URL: "http://swarm/", From: "--url", HTTP: &scripted{answers: []reply{mute}, began: began},
				Quiet: func() { told = time.Since(began) },
			})
			if err != nil {
				t.Fatal(err)
			}
			err = tc.ask(t.Context(), c)
			if took := time.Since(began); clierr.CodeOf(err) != clierr.Unreachable ||
				!strings.Contains(err.Error(), "no answer in ") || took != tc.want || told != tc.told {
				t.Errorf("%s: %v after %v, told after %v", name, err, took, told)
			}
		})
	}
}

// TestPages reads a list of several pages, and no more pages than the limit needs.
func TestPages(t *testing.T) {
	page := func(id, next string) reply {
		return status(200, `{"items": [{"driver_id": "`+id+`", "new_field": 1}], "next_cursor": `+next+`}`)
	}
	c, _ := dial(t, 0, page("a", `"c1"`), page("b", `"c2"`), page("c", "null"))
	all, err := c.Drivers(t.Context(), remote.DriverFilter{})
	if err != nil || len(all.Items) != 3 || !strings.Contains(string(all.Raw[2]), "new_field") {
		t.Errorf("%+v, %v", all, err)
	}
	c, s := dial(t, 0, page("a", `"c1"`), page("b", `"c2"`), page("c", "null"))
	if some, err := c.Drivers(t.Context(), remote.DriverFilter{Limit: 2}); err != nil || len(some.Items) != 2 ||
		len(s.at) != 2 {
		t.Errorf("%+v, %v, %d requests", some, err, len(s.at))
	}
}

func TestAdvice(t *testing.T) {
	for body, want := range map[string]struct {
		status int
		code   clierr.Code
	}{
		`{"code": "no_active_drivers"}`:      {409, clierr.TooFew},
		`{"code": "not_enough_drivers"}`:     {409, clierr.TooFew},
		`{"code": "newer_command"}`:          {412, clierr.Superseded},
		`{"code": "idempotency_key_reused"}`: {422, clierr.Usage},
		`{"code": "invalid_command"}`:        {422, clierr.Usage},
		`{"code": "unauthenticated"}`:        {401, clierr.Auth},
		`{"code": "forbidden"}`:              {403, clierr.Auth},
		`{"code": "host_not_allowed"}`:       {403, clierr.Auth},
		`{"code": "outcome_not_recorded"}`:   {503, clierr.Timeout},
		`{"code": "shutting_down"}`:          {503, clierr.Unreachable},
		`{"code": "internal"}`:               {500, clierr.Failed},
		"<html>gateway</html>":               {502, clierr.Unreachable},
		"moved":                              {301, clierr.Unreachable},
	} {
		c, _ := dial(t, 0, status(want.status, body, "Location", "/else", "X-Request-Id", "r-9"))
		_, err := c.Ready(t.Context())
		if text := clierr.Text(err); clierr.CodeOf(err) != want.code || !strings.Contains(text, "(request r-9)") ||
			!strings.Contains(text, "hint") {
			t.Errorf("%s: code %d\n%s", body, clierr.CodeOf(err), text)
		}
	}
}

// TestRefusalsTellWhatTheServerSaid: errors name the number of drivers, the conflicting entry and its submitter, and
// the command line that shows more.
func TestRefusalsTellWhatTheServerSaid(t *testing.T) {
	for body, wants := range map[string][]string{
		`{"code": "not_enough_drivers", "detail": "too few; see GET /drivers", "have": 2, "want": 4}`: {
			"too few (2 present, 4 required)\n",
		},
		`{"code": "no_active_drivers", "detail": "none; see GET /drivers"}`: {
			"no_active_drivers: none\n", "swarmcall drivers list",
		},
		`{"code": "newer_command", "seq": 8, "entry": {"seq": 8, "submitter": "human/x", "command": {"type": "stop"},
			"submitted_at": "2026-11-24T12:00:00.000Z"}}`: {
			"detail human/x sent stop at 2026-11-24T12:00:00Z (entry 8)", "swarmcall commands show 8",
		},
		`{"code": "invalid_command", "detail": "nothing was sent", "request_id": "r1",
			"errors": [{"pointer": "/command/players", "detail": "must be 0 or more"}]}`: {
			"invalid_command: nothing was sent; /command/players must be 0 or more (request r1)\n",
		},
		`{"code": "newer_command", "seq": 9}`:          {"position 9", "swarmcall state"},
		`{"code": "newer_command", "seq": 0}`:          {"--if-seq 0"},
		`{"code": "outcome_not_recorded", "seq": 7}`:   {"swarmcall commands show 7"},
		`{"code": "idempotency_key_reused", "seq": 5}`: {"swarmcall commands show 5"},
	} {
		c, _ := dial(t, 0, status(409, body))
		_, err := c.Issue(t.Context(), remote.Submission{}, "k")
		text := clierr.Text(err)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", body, want, text)
			}
		}
		if strings.Contains(text, "GET /") || strings.Contains(text, "SEQ") {
			t.Errorf("%s", text)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, bad := range []string{"", "127.0.0.1:8080", "ftp://x", "http://", "://"} {
		if _, err := remote.Dial(remote.Config{URL: bad, From: "--url"}); clierr.CodeOf(err) != clierr.Usage {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestMask(t *testing.T) {
	for in, want := range map[string]string{
		"http://h:8080": "http://h:8080", "http://u:p@h:1/x": "http://u:xxxxx@h:1/x",
		"http://:p@q@h": "http://:xxxxx@h", "ftp://u:%zz@h": "ftp://u:xxxxx@h",
		"http://u@h": "http://u@h",
		"a --url=http://u:p@h --submitter ci/a:b@c": "a --url=http://u:xxxxx@h --submitter ci/a:b@c",
		"http://h:1 a@b": "http://h:1 a@b",
	} {
		if got := remote.Mask(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
