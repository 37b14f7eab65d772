package web_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

// people are the owners of the tokens of the tests: swc_ and their names.
func people() map[string]swarm.Principal {
	scope := map[string]string{"region": "eu"}
	out := map[string]swarm.Principal{}
	for _, p := range []swarm.Principal{
		{Name: "wall", Role: swarm.RoleViewer}, {Name: "on-call", Role: swarm.RoleStopper},
		{Name: "alice", Role: swarm.RoleController}, {Name: "root", Role: swarm.RoleAdmin},
		{Name: "ci-eu", Role: swarm.RoleController, Scope: scope},
		{Name: "ci-us", Role: swarm.RoleController, Scope: map[string]string{"region": "us"}},
		{Name: "drivers", Role: swarm.RoleDriver},
	} {
		p.Credential = "token:01234567"
		out["swc_"+p.Name] = p
	}
	return out
}

// signed serves a dashboard whose visitors must sign in.
func signed(t testing.TB, s *webtest.Swarm, change func(*web.Config)) (*webtest.Access, *httptest.Server) {
	t.Helper()
	access := webtest.NewAccess(people())
	cfg := config(s)
	cfg.Tick = 20 * time.Millisecond
	cfg.Access, cfg.SessionCookie = access, webtest.SessionCookie
	if change != nil {
		change(&cfg)
	}
	ui := web.New(cfg)
	router := func(http.Handler) http.Handler { return access.Router(ui) }
	return access, serveUI(t, router, ui)
}

// cookieOf signs somebody in and returns the header of their requests; "" is nobody.
func cookieOf(t testing.TB, access *webtest.Access, name string) map[string]string {
	t.Helper()
	if name == "" {
		return map[string]string{}
	}
	cookie, _, _, err := access.SignIn(nil, "swc_"+name)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]string{"Cookie": webtest.SessionCookie + "=" + cookie}
}

// getAs requests a page as a browser does, and does not follow redirects.
func getAs(t testing.TB, url string, header map[string]string) (a answer, body string) {
	t.Helper()
	h := map[string]string{"Accept": "text/html"}
	for k, v := range header {
		h[k] = v
	}
	return send(t, http.MethodGet, url, nil, h)
}

func postAs(t testing.TB, url string, form url.Values, header map[string]string) (a answer, body string) {
	t.Helper()
	h := map[string]string{"Accept": "text/html"}
	for k, v := range header {
		h[k] = v
	}
	return post(t, url, form, h)
}

// silent fails if a page for people who may see nothing tells something of the swarm.
func silent(t *testing.T, where, body string) {
	t.Helper()
	for _, bad := range []string{"d-1", "players", "drivers active", "id=\"strip\"", "ci/nightly", "app.js"} {
		if strings.Contains(body, bad) {
			t.Errorf("%s tells %q:\n%s", where, bad, body)
		}
	}
}

func TestSignInKeepsACookieAndGoesBack(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries())
	_, server := signed(t, s, nil)
	a, _ := getAs(t, server.URL+"/ui/drivers?state=stale", nil)
	if want := "/ui/login?back=%2Fui%2Fdrivers%3Fstate%3Dstale"; a.StatusCode != http.StatusSeeOther ||
		a.Header.Get("Location") != want {
		t.Fatalf("%d to %q", a.StatusCode, a.Header.Get("Location"))
	}
	a, body := getAs(t, server.URL+a.Header.Get("Location"), nil)
	silent(t, "the sign-in page", body)
	for _, want := range []string{`type="password"`, `autocomplete="current-password"`, `<label for="token">`,
		`name="back" value="/ui/drivers?state=stale"`, `action="/ui/login"`} {
		if a.StatusCode != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%d, the page has no %s", a.StatusCode, want)
		}
	}
	form := url.Values{"token": {" swc_alice\r\n"}, "back": {"/ui/drivers?state=stale"}}
	a, _ = postAs(t, server.URL+"/ui/login", form, nil)
	cookie := a.Header.Get("Set-Cookie")
	if a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != "/ui/drivers?state=stale" ||
		!strings.HasPrefix(cookie, "session=of-alice; Path=/; Expires=") {
		t.Fatalf("%d to %q with %q", a.StatusCode, a.Header.Get("Location"), cookie)
	}
	name, _, _ := strings.Cut(cookie, ";")
	a, body = getAs(t, server.URL+"/", map[string]string{"Cookie": name})
	if a.StatusCode != http.StatusOK || !strings.Contains(body, `<bdi class="name">alice</bdi>`) ||
		!strings.Contains(body, "expires in 8 h") || !strings.Contains(body, `action="/ui/logout"`) {
		t.Errorf("%d, the page does not say who is signed in", a.StatusCode)
	}
	_, body = getAs(t, server.URL+"/ui/about", map[string]string{"Cookie": name})
	if !strings.Contains(body, "<dt>Role</dt><dd>controller</dd>") {
		t.Error("the About page does not say who is signed in")
	}
	_, body = getAs(t, server.URL+"/ui/login", map[string]string{"Cookie": name})
	if !strings.Contains(body, "You are signed in") || !strings.Contains(body, "Sign out") {
		t.Error("the sign-in page does not say who is signed in already")
	}
	a, _ = postAs(t, server.URL+"/ui/logout", nil, map[string]string{"Cookie": name})
	if gone := a.Header.Get("Set-Cookie"); a.Header.Get("Location") != "/ui/login" ||
		!strings.HasPrefix(gone, "session=; Path=/;") || !strings.Contains(gone, "Max-Age=0") {
		t.Errorf("to %q with %q", a.Header.Get("Location"), gone)
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	const secret = "swc_veryprivate"
	access, server := signed(t, webtest.NewSwarm(webtest.Drivers(), webtest.Entries()), nil)
	access.Refuse("swc_old", swarm.Errorf(swarm.CodeTokenExpired, "it has expired"))
	access.Refuse("swc_much", swarm.Errorf(swarm.CodeRateLimited, "slow down"))
	access.Refuse("swc_broken", errors.New("the disk with "+secret))
	for token, want := range map[string]struct {
		status int
		says   string
	}{
		secret: {401, "This token is not valid"}, "swc_old": {401, "has expired"}, " \n": {401, "Enter a token"},
		"swc_much": {429, "too many attempts"}, "swc_broken": {500, "server&#39;s own log"},
		"swc_drivers": {403, "A driver&#39;s token opens no pages"}, `"><b id=injected>`: {401, "not valid"},
	} {
		a, body := postAs(t, server.URL+"/ui/login", url.Values{"token": {token}, "back": {"/ui/about"}}, nil)
		if a.StatusCode != want.status || !strings.Contains(body, want.says) || a.Header.Get("Set-Cookie") != "" ||
			!strings.Contains(body, `aria-describedby="token-error token-hint"`) ||
			!strings.Contains(body, `name="back" value="/ui/about"`) {
			t.Errorf("%q: %d with %q\n%s", token, a.StatusCode, a.Header.Get("Set-Cookie"), body)
		}
		if strings.Contains(body, secret) || strings.Contains(body, "injected") {
			t.Errorf("the page repeats %q", token)
		}
		silent(t, token, body)
	}
	if a, body := getAs(t, server.URL+"/ui/login?token=swc_alice", nil); a.Header.Get("Set-Cookie") != "" ||
		strings.Contains(body, "swc_alice") {
		t.Error("a token in the address is used or shown")
	}
	big := url.Values{"token": {"swc_alice"}, "carry": {strings.Repeat("x", 300<<10)}}
	if a, _ := postAs(t, server.URL+"/ui/login", big, nil); a.StatusCode != http.StatusBadRequest ||
		a.Header.Get("Set-Cookie") != "" {
		t.Errorf("a large form: %d", a.StatusCode)
	}
	for _, back := range []string{"https://evil.example/", "//evil.example", `/\evil.example`, "javascript:alert(1)"} {
		a, _ := postAs(t, server.URL+"/ui/login", url.Values{"token": {"swc_alice"}, "back": {back}}, nil)
		if to := a.Header.Get("Location"); to != "/" {
			t.Errorf("%q leads to %q", back, to)
		}
		if _, body := getAs(t, server.URL+"/ui/login?back="+url.QueryEscape(back), nil); strings.Contains(body, "evil") {
			t.Errorf("%q is a place to go back to", back)
		}
	}
	header := map[string]string{"Origin": "https://evil.example"}
	for _, path := range []string{"/ui/login", "/ui/logout"} {
		a, body := postAs(t, server.URL+path, url.Values{"token": {"swc_alice"}}, header)
		if a.StatusCode != http.StatusForbidden || a.Header.Get("Set-Cookie") != "" {
			t.Errorf("a page of another site posts to %s: %d", path, a.StatusCode)
		}
		silent(t, path, body)
	}
}

func TestSessionCookie(t *testing.T) {
	public := func(address string) func(*web.Config) {
		return func(c *web.Config) { c.Public, _ = url.Parse(address) }
	}
	seen := func(address string) func(*web.Config) {
		return func(c *web.Config) { c.Address = func(*http.Request) string { return address } }
	}
	for name, tc := range map[string]struct {
		change func(*web.Config)
		path   string
		secure bool
		kept   bool // by the browser
	}{
		"public https":        {public("https://load.example.com/"), "/", true, true},
		"below a path":        {public("https://load.example.com/swarmcall/"), "/swarmcall/", true, true},
		"public http":         {public("http://load.example.com/"), "/", true, false},
		"loopback":            {seen("http://127.0.0.1:8080"), "/", false, true},
		"loopback, version 6": {seen("http://[::1]:8080"), "/", false, true},
		"localhost":           {seen("http://localhost:8080"), "/", false, true},
		"below localhost":     {seen("http://Load.localhost"), "/", false, true},
		"loopback, https":     {seen("https://127.0.0.1:8443"), "/", true, true},
		"network":             {seen("http://192.0.2.7:8080"), "/", true, false},
		"a name like it":      {seen("http://localhost.example.com"), "/", true, false},
		"starts like it":      {seen("http://127.0.0.1.example.com"), "/", true, false},
	} {
		access, server := signed(t, webtest.NewSwarm(nil, nil), tc.change)
		_, expires, _, _ := access.SignIn(nil, "swc_alice")
		for _, form := range []url.Values{{"token": {"swc_alice"}}, nil} {
			path := "/ui/logout"
			if form != nil {
				path = "/ui/login"
			}
			a, _ := postAs(t, server.URL+path, form, nil)
			c, err := http.ParseSetCookie(a.Header.Get("Set-Cookie"))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if c.Name != "session" || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Secure != tc.secure ||
				c.Path != tc.path || c.Domain != "" {
				t.Errorf("%s, %s: %s", name, path, c)
			}
			if form != nil && (c.Value != "of-alice" || c.Expires.Sub(expires).Abs() > time.Minute) {
				t.Errorf("%s: %s, it should expire at %s", name, c, expires)
			}
		}
		_, body := getAs(t, server.URL+"/ui/login", nil)
		if warned := strings.Contains(body, "the browser will not keep the sign-in"); warned == tc.kept {
			t.Errorf("%s: the page warns: %v", name, warned)
		}
	}
}

func TestSignInWithoutAuthentication(t *testing.T) {
	_, server := full(t)
	for _, path := range []string{"/ui/login", "/ui/login?back=/ui/about"} {
		_, body := get(t, server.URL+path)
		if !strings.Contains(body, "Authentication is off") || strings.Contains(body, `name="token"`) {
			t.Errorf("%s: %s", path, body)
		}
	}
	a, _ := post(t, server.URL+"/ui/login", url.Values{"token": {"swc_x"}}, nil)
	if a.StatusCode != http.StatusOK || a.Header.Get("Set-Cookie") != "" {
		t.Errorf("a sign-in: %d with %q", a.StatusCode, a.Header.Get("Set-Cookie"))
	}
	for _, row := range web.Pages() {
		path, _, _ := row.Row()
		if _, body := get(t, server.URL+filled.Replace(path)); strings.Contains(body, `id="who"`) ||
			strings.Contains(body, "/ui/login") || strings.Contains(body, "data-who") {
			t.Errorf("%s speaks of signing in", path)
		}
	}
}
