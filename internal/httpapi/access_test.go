package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// office is an Access whose tokens are names of roles. A cookie is good for the role admin.
type office struct{ follows chan context.CancelFunc }

func (*office) Identify(r *http.Request) (swarm.Principal, error) {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case token == "expired":
		return swarm.Principal{}, swarm.Errorf(swarm.CodeTokenExpired, "expired")
	case ok:
		return swarm.Principal{Name: "a-" + token, Role: swarm.Role(token), Credential: "token:01234567"}, nil
	case r.Header.Get("Cookie") != "":
		return swarm.Principal{Name: "ann", Role: swarm.RoleAdmin, Credential: "cookie:01234567"}, nil
	}
	return swarm.Principal{}, swarm.Errorf(swarm.CodeUnauthenticated, "no credential")
}

func (*office) TurnAway(_ *http.Request, err error) error { return err }

func (o *office) Follow(ctx context.Context, _ swarm.Principal) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(ctx)
	o.follows <- end
	return ctx, end
}

// records is an audit log in memory, with pages of the given length.
type records struct{ events []swarm.AuditEvent }

func (r *records) Record(e swarm.AuditEvent) { r.events = append(r.events, e) }

func (r *records) Page(cursor string, limit int) ([]swarm.AuditEvent, string, error) {
	from := 0
	if cursor != "" {
		var err error
		if from, err = strconv.Atoi(cursor); err != nil {
			return nil, "", swarm.Errorf(swarm.CodeBadRequest, "the cursor is not valid")
		}
	}
	to := min(from+limit, len(r.events))
	if to < len(r.events) {
		return r.events[from:to], strconv.Itoa(to), nil
	}
	return r.events[from:to], "", nil
}

// guarded is a router with authentication.
func guarded(t *testing.T, change func(*Config)) (*world, *records, *office) {
	t.Helper()
	audit, access := &records{}, &office{make(chan context.CancelFunc, 16)}
	w := newWorld(t, func(c *Config) {
		c.Ready, c.Access, c.Audit = ready(true), access, audit
		c.AccessRefused = func(w http.ResponseWriter, r *http.Request, err error) {
			http.Redirect(w, r, "/ui/login?code="+string(swarm.CodeOf(err)), http.StatusSeeOther)
		}
		if change != nil {
			change(c)
		}
	})
	return w, audit, access
}

func TestGate(t *testing.T) {
	w, audit, _ := guarded(t, nil)
	for _, tc := range []struct {
		method, path, token string
		status              int
		code                string
	}{
		{"GET", "/state", "", 401, "unauthenticated"},
		{"GET", "/state", "expired", 401, "token_expired"},
		{"GET", "/state", "driver", 403, "forbidden"},
		{"GET", "/state", "viewer", 200, ""},
		{"GET", "/audit", "controller", 403, "forbidden"},
		{"GET", "/audit", "admin", 200, ""},
		{"GET", "/whoami", "driver", 200, ""},
		{"GET", "/whoami", "", 401, "unauthenticated"},
		{"GET", "/drivers/connect", "admin", 101, ""},
		{"GET", "/drivers/connect", "controller", 403, "forbidden"},
		{"POST", "/commands", "viewer", 403, "forbidden"},
		{"POST", "/commands", "stopper", 201, ""},
		{"GET", "/livez", "", 200, ""},
		{"GET", "/readyz", "expired", 200, ""},
		{"GET", "/version", "nonsense", 200, ""},
	} {
		body := ""
		if tc.method == "POST" {
			body = stop
		}
		var headers []string
		if tc.token != "" {
			headers = append(headers, "Authorization: Bearer "+tc.token)
		}
		before := len(audit.events)
		a := w.do(t, tc.method, tc.path, body, headers...)
		at := fmt.Sprintf("%s %s with %q", tc.method, tc.path, tc.token)
		if tc.code == "" {
			if a.StatusCode >= 400 && tc.status != 101 { // the fake socket answers as it likes
				t.Errorf("%s: %d %s", at, a.StatusCode, a.body)
			}
			if len(audit.events) != before {
				t.Errorf("%s was audited: %v", at, audit.events[before:])
			}
			continue
		}
		a.refused(t, tc.status, tc.code)
		if closes := a.Header.Get("Connection") == "close"; closes != (tc.status == 401) {
			t.Errorf("%s: Connection is %q", at, a.Header.Get("Connection"))
		}
		if challenge := a.Header.Get("WWW-Authenticate"); (challenge != "") != (tc.status == 401) {
			t.Errorf("%s: WWW-Authenticate is %q", at, challenge)
		}
		if len(audit.events) != before+1 || audit.events[before].Code != swarm.Code(tc.code) ||
			audit.events[before].Route != tc.path || audit.events[before].Via.RequestID != a.RequestID {
			t.Errorf("%s: audited %v", at, audit.events[before:])
		}
	}
}

// TestPagesSignIn: people are sent to the sign-in page, which needs nothing.
func TestPagesSignIn(t *testing.T) {
	w, _, _ := guarded(t, nil)
	for _, path := range []string{"/", "/ui/drivers", "/ui/stream", "/ui/commands"} {
		a := w.do(t, "GET", path, "")
		if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/ui/login?code=unauthenticated" {
			t.Errorf("%s: %d %s", path, a.StatusCode, a.Header.Get("Location"))
		}
	}
	for _, path := range []string{"/ui/login", "/ui/assets/1/base.css"} {
		if a := w.do(t, "GET", path, ""); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
}

// TestCookiesAreForOwnPages: a page of another origin that may use the API must not use a visitor's session.
func TestCookiesAreForOwnPages(t *testing.T) {
	w, _, _ := guarded(t, func(c *Config) { c.AllowedOrigins = []string{"https://other.example"} })
	const cookie = "Cookie: swarmcall_session=x"
	if a := w.do(t, "GET", "/state", "", cookie); a.StatusCode != http.StatusOK {
		t.Errorf("an own page: %d", a.StatusCode)
	}
	w.do(t, "GET", "/state", "", cookie, "Origin: https://other.example").refused(t, 401, "unauthenticated")
	w.do(t, "POST", "/commands", stop, cookie, "Origin: https://other.example").refused(t, 401, "unauthenticated")
	if a := w.do(t, "GET", "/state", "", "Authorization: Bearer viewer", "Origin: https://other.example"); a.StatusCode !=
		http.StatusOK {
		t.Errorf("another page with a token of its own: %d", a.StatusCode)
	}
}

// TestStreamEndsWithItsPrincipal ends what a stream follows.
func TestStreamEndsWithItsPrincipal(t *testing.T) {
	w, _, access := guarded(t, nil)
	done := make(chan answer)
	go func() { done <- w.do(t, "GET", "/commands/stream", "", "Authorization: Bearer viewer") }()
	end := <-access.follows
	end()
	if a := <-done; a.StatusCode != http.StatusOK {
		t.Errorf("the stream: %d", a.StatusCode)
	}
}

func TestWhoami(t *testing.T) {
	off := newWorld(t, nil)
	if got, want := off.do(t, "GET", "/whoami", "").body,
		`{"name":"anonymous","role":"admin","scope":{},"expires_at":null}`; strings.TrimSpace(got) != want {
		t.Errorf("without authentication %s, want %s", got, want)
	}
	w, _, _ := guarded(t, nil)
	if got := w.do(t, "GET", "/whoami", "", "Authorization: Bearer stopper").body; !strings.Contains(got,
		`"name":"a-stopper","role":"stopper"`) {
		t.Errorf("with a token: %s", got)
	}
}

// TestSubmitterIsThePrincipal covers every way to name a submitter.
func TestSubmitterIsThePrincipal(t *testing.T) {
	named := func(name string) string { return `{"submitter":"` + name + `","command":{"type":"stop"}}` }
	off := newWorld(t, nil)
	w, _, _ := guarded(t, nil)
	for _, tc := range []struct {
		w          *world
		body, want string // want "": refused
		status     int
		code       string
	}{
		{off, stop, "anonymous", 201, ""}, {off, named("ci/nightly"), "ci/nightly", 201, ""},
		{off, named("guard/x"), "", 422, "invalid_command"}, {off, named("swarmcall/x"), "", 422, "invalid_command"},
		{w, stop, "a-stopper", 201, ""}, {w, named("a-stopper"), "a-stopper", 201, ""},
		{w, named("anonymous"), "", 403, "submitter_mismatch"}, {w, named("bob"), "", 403, "submitter_mismatch"},
		{w, named("guard/x"), "", 422, "invalid_command"},
	} {
		a := tc.w.do(t, "POST", "/commands", tc.body, "Authorization: Bearer stopper")
		if tc.want == "" {
			a.refused(t, tc.status, tc.code)
			continue
		}
		var entry struct{ Submitter string }
		if err := json.Unmarshal([]byte(a.body), &entry); err != nil || entry.Submitter != tc.want {
			t.Errorf("%s: %d, submitter %q, want %q", tc.body, a.StatusCode, entry.Submitter, tc.want)
		}
	}
}

func TestLimits(t *testing.T) {
	w, _, _ := guarded(t, func(c *Config) {
		c.Limits = Limits{Commands: RateLimit{1000, 2000}, MaxDrivers: 7, MaxHeaderBytes: 8, MaxFrameBytes: 9}
	})
	got := w.do(t, "GET", "/limits", "", "Authorization: Bearer viewer").body
	for _, want := range []string{`"authentication":true`, `"commands":{"per_second":1000,"burst":2000}`, `"max_drivers":7`,
		`"max_body_bytes":65536`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	if got := newWorld(t, nil).do(t, "GET", "/limits", "").body; !strings.Contains(got, `"authentication":false`) {
		t.Errorf("without authentication: %s", got)
	}
}

func TestAuditPages(t *testing.T) {
	w, audit, _ := guarded(t, nil)
	for i := range 5 {
		audit.Record(swarm.AuditEvent{
			At: time.Unix(int64(i), 0), Kind: swarm.AuditRefused, Name: strconv.Itoa(i), Code: swarm.CodeForbidden,
			Via: swarm.Via{RemoteAddr: "192.0.2.1:5"},
		})
	}
	var names []string
	next := "/audit?limit=2"
	for next != "" {
		a := w.do(t, "GET", next, "", "Authorization: Bearer admin")
		for _, item := range a.Items {
			names = append(names, item["name"].(string))
		}
		next = ""
		if link := a.Header.Get("Link"); a.Next != nil {
			next, _, _ = strings.Cut(strings.TrimPrefix(link, "<"), ">")
		}
	}
	if got := strings.Join(names, ""); got != "01234" {
		t.Errorf("the pages have %s", got)
	}
	w.do(t, "GET", "/audit?cursor=forged", "", "Authorization: Bearer admin").refused(t, 400, "bad_request")
	if a := newWorld(t, nil).do(t, "GET", "/audit", ""); a.StatusCode != 200 || len(a.Items) != 0 {
		t.Errorf("without authentication: %d %s", a.StatusCode, a.body)
	}
}
