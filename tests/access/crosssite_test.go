package access

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/httpapi"
)

// evil is the origin of a page of somebody else; evilHost is its name for this server after it was rebound.
const (
	evil     = "http://evil.test:8080"
	evilHost = "evil.test:8080"
)

// vector is how a browser marks a request that a page of another origin makes it send.
type vector struct {
	name    string
	methods string   // that the page can send in this way
	headers []string // each "Name: value"
	host    string   // to which the page had its name resolved to this server; "": the server's own
	unknown bool     // the headers do not tell that it is a page: the answer must be of no use to one
}

const (
	reads = "GET HEAD"
	all   = "GET HEAD POST PUT PATCH DELETE OPTIONS"
)

// fetched are the headers that say who sends a request.
func fetched(site, mode, dest string) []string {
	return []string{"Sec-Fetch-Site: " + site, "Sec-Fetch-Mode: " + mode, "Sec-Fetch-Dest: " + dest}
}

func from(origin string, more ...string) []string {
	return append([]string{"Origin: " + origin}, more...)
}

// upgrade are the headers of a socket.
var upgrade = []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Protocol: " + wire.Subprotocol}

func socket(headers ...string) []string { return append(headers, upgrade...) }

// vectors are all ways of a page to send a request.
var vectors = []vector{
	{name: "fetch", methods: all, headers: from(evil, fetched("cross-site", "cors", "empty")...)},
	{name: "fetch of another port", methods: all, headers: from("http://127.0.0.1:1", fetched("same-site", "cors",
		"empty")...)},
	{name: "fetch without CORS", methods: "POST", headers: from(evil, fetched("cross-site", "no-cors", "empty")...)},
	{name: "read without CORS", methods: reads, headers: fetched("cross-site", "no-cors", "empty")},
	{name: "EventSource", methods: "GET", headers: from(evil, append(fetched("cross-site", "cors", "empty"),
		"Accept: text/event-stream")...)},
	{name: "form", methods: "POST", headers: from(evil, fetched("cross-site", "navigate", "document")...)},
	{name: "form of another port", methods: "POST", headers: from("http://127.0.0.1:1", fetched("same-site",
		"navigate", "document")...)},
	{name: "form in a frame", methods: "POST", headers: from(evil, fetched("cross-site", "navigate", "iframe")...)},
	{name: "form without Origin", methods: "POST", headers: fetched("cross-site", "navigate", "document")},
	{name: "form of a sandboxed frame", methods: "POST", headers: from("null", fetched("cross-site", "navigate",
		"document")...)},
	{name: "fetch of a sandboxed frame", methods: all, headers: from("null", fetched("cross-site", "cors",
		"empty")...)},
	{name: "image", methods: reads, headers: fetched("cross-site", "no-cors", "image")},
	{name: "image of another port", methods: reads, headers: fetched("same-site", "no-cors", "image")},
	{name: "script", methods: reads, headers: fetched("cross-site", "no-cors", "script")},
	{name: "module", methods: reads, headers: from(evil, fetched("cross-site", "cors", "script")...)},
	{name: "style sheet", methods: reads, headers: fetched("cross-site", "no-cors", "style")},
	{name: "frame", methods: reads, headers: fetched("cross-site", "navigate", "iframe")},
	{name: "frame of another port", methods: reads, headers: fetched("same-site", "navigate", "iframe")},
	{name: "object", methods: reads, headers: fetched("cross-site", "navigate", "object")},
	{name: "socket", methods: "GET", headers: socket(from(evil, fetched("cross-site", "websocket", "empty")...)...)},
	{name: "socket of another port", methods: "GET", headers: socket(from("http://127.0.0.1:1", fetched("same-site",
		"websocket", "empty")...)...)},
	{name: "socket of a sandboxed frame", methods: "GET", headers: socket(from("null", fetched("cross-site",
		"websocket", "empty")...)...)},
	{name: "socket, no fetch metadata", methods: "GET", headers: socket(from(evil)...)},
	{name: "no fetch metadata", methods: all, headers: from(evil)},
	{name: "no fetch metadata, null", methods: all, headers: from("null")},
	{name: "an empty Origin", methods: all, headers: from("")},
	{name: "two origins", methods: all, headers: from(evil, "Origin: {self}")},
	{name: "https of the same name", methods: all, headers: from("https://{host}")},
	{name: "the server's name as a user", methods: all, headers: from("http://{host}@evil.test:8080")},
	{name: "the server's name as a prefix", methods: all, headers: from("http://{host}.evil.test")},
	{name: "rebound", methods: all, host: evilHost, headers: from(evil, fetched("same-origin", "cors", "empty")...)},
	{name: "rebound read", methods: reads, host: evilHost, headers: fetched("same-origin", "cors", "empty")},
	{name: "rebound page", methods: reads, host: evilHost, headers: fetched("none", "navigate", "document")},
	{name: "rebound form", methods: "POST", host: evilHost, headers: from(evil, fetched("same-origin", "navigate",
		"document")...)},
	{name: "rebound socket", methods: "GET", host: evilHost, headers: socket(from(evil)...)},
	{name: "rebound, no fetch metadata", methods: all, host: evilHost, headers: from(evil)},
	{name: "rebound read, no fetch metadata", methods: reads, host: evilHost},
	{name: "rebound to a name like the server's", methods: all, host: "127.0.0.1.evil.test",
		headers: from("http://127.0.0.1.evil.test")},
	{name: "rebound below localhost", methods: all, host: "localhost.evil.test",
		headers: from("http://localhost.evil.test")},
	{name: "rebound, own Origin", methods: all, host: evilHost, headers: from("{self}")},
	{name: "own Host, rebound Origin", methods: all, headers: from(evil, fetched("same-origin", "cors", "empty")...)},
	{name: "embedded, no fetch metadata", methods: reads, unknown: true},
}

// post is a body with its type.
type post struct{ media, body string }

// posts are the bodies that a page could send to a path. Those of JSON by a plain form have the type text/plain.
func (w *world) posts(path string) []post {
	const form = "application/x-www-form-urlencoded"
	if strings.HasPrefix(path, "/ui/") {
		return []post{{form, "type=stop&theme=dark&back=/&token=" + w.secret("other")}}
	}
	return []post{{"application/json", stop}, {"text/plain", stop}, {form, "type=stop"}, {"", stop}}
}

// effect is what requests could change at a server.
type effect struct{ commands, drivers, signs int }

// effects counts what has happened so far.
func (w *world) effects() effect {
	w.t.Helper()
	who := "root"
	if w.path == "" {
		who = ""
	}
	audited := w.do("GET", "/audit?limit=1000", "", who).body
	return effect{
		commands: len(w.do("GET", "/commands?limit=1000", "", who).Items),
		drivers:  len(w.do("GET", "/drivers", "", who).Items),
		signs:    strings.Count(audited, `"signed_in"`) + strings.Count(audited, `"signed_out"`),
	}
}

// signIn signs somebody in to the dashboard, and returns the Cookie header. The audit log then has all that was before:
// it is written a little later, in order.
func (w *world) signIn(name string) string {
	w.t.Helper()
	id := rand.Text()
	a := w.do("POST", "/ui/login", url.Values{"token": {w.secret(name)}}.Encode(), "",
		"Content-Type: application/x-www-form-urlencoded", "X-Request-Id: "+id)
	cookie, _, _ := strings.Cut(a.Header.Get("Set-Cookie"), ";")
	if a.StatusCode != http.StatusSeeOther || cookie == "" {
		w.t.Fatalf("the sign-in of %s: %d", name, a.StatusCode)
	}
	w.eventually(func() bool { return strings.Contains(w.do("GET", "/audit?limit=1000", "", "root").body, id) })
	return cookie
}

// as sends a request as a vector does. The body of an endless answer is not read.
func (w *world) as(v vector, method, path string, p post, cookie string) (a reply) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+path, strings.NewReader(p.body))
	if err != nil {
		w.t.Fatal(err)
	}
	own := strings.NewReplacer("{self}", w.URL, "{host}", strings.TrimPrefix(w.URL, "http://"))
	for _, h := range v.headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header[name] = append(r.Header[name], own.Replace(value))
	}
	r.Header["User-Agent"] = []string{"Mozilla/5.0"}
	if p.media != "" {
		r.Header.Set("Content-Type", p.media)
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	if r.Host = v.host; v.host == "" {
		r.Host = strings.TrimPrefix(w.URL, "http://")
	}
	resp, err := w.client.Do(r)
	if err != nil {
		w.t.Fatalf("%s %s as %s: %v", method, path, v.name, err)
	}
	defer func() { _ = resp.Body.Close() }()
	a.Response = resp
	if resp.StatusCode != http.StatusSwitchingProtocols &&
		!strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		b, _ := io.ReadAll(resp.Body)
		a.body = string(b)
	}
	return a
}

// readable says what a page could read of an answer; "" for nothing.
func (v vector) readable(method, path string, a reply) string {
	h := a.Header
	health := path == "/livez" || path == "/readyz" // probes of load balancers look like this, and learn one word
	switch {
	case strings.Contains(a.body, "checkout") && !v.unknown: // what no page can read is checked below
		return "it tells of a driver"
	case a.StatusCode == http.StatusSwitchingProtocols:
		return "the socket is open"
	case v.host != "" && a.StatusCode < http.StatusBadRequest && (!health || method != http.MethodHead &&
		!strings.Contains(a.body, `"checks":[]`)):
		return "to the browser it is an answer of the page's own server"
	}
	switch {
	case h.Get("Access-Control-Allow-Origin") != "" || h.Get("Access-Control-Allow-Credentials") != "":
		return "the browser gives it to the page"
	case h.Get("Cross-Origin-Resource-Policy") != "same-origin" || h.Get("X-Content-Type-Options") != "nosniff":
		return "the page can embed it"
	case !strings.Contains(h.Get("Content-Security-Policy"), "frame-ancestors 'none'"):
		return "the page can frame it"
	}
	return ""
}

// answered reports whether a request may be answered though it comes from a page: assets have no data, health checks
// of load balancers have no name for this server, and some requests do not tell where they come from.
func (v vector) answered(method, path string) bool {
	asset := strings.HasPrefix(path, "/ui/assets/") && strings.Contains(reads, method) && v.host == ""
	health := (path == "/livez" || path == "/readyz") && strings.Contains(reads, method) && len(v.headers) == 0
	return asset || health || v.unknown
}

// tally counts the cells of a matrix.
type tally struct{ cells, acted, read int }

// attack sends a vector to every path with every method that it can have.
func (w *world) attack(v vector, cookie string, sum *tally) {
	w.t.Helper()
	if w.asset == "" {
		w.asset = regexp.MustCompile(`/ui/assets/[^"]+`).FindString(w.do("GET", "/ui/login", "", "").body)
	}
	for _, pattern := range append(patterns(), "/nowhere", "/ui/nowhere") {
		path := strings.NewReplacer("{seq}", "1", "{driver_id}", "d-1", "/ui/assets/*", w.asset, "*",
			"drivers").
			Replace(pattern)
		for method := range strings.FieldsSeq(v.methods) {
			bodies := []post{{}}
			if method == http.MethodPost {
				bodies = w.posts(path)
			}
			for _, p := range bodies {
				at := fmt.Sprintf("%s %s %s, cookie %v, as %s", method, path, p.media, cookie != "", v.name)
				before := sum.read
				w.judge(v, at, method, path, w.as(v, method, path, p, cookie), sum)
				if sum.read > before && sum.read > 50 {
					w.t.Fatal("and so on")
				}
			}
		}
	}
}

func (w *world) judge(v vector, at, method, path string, a reply, sum *tally) {
	w.t.Helper()
	sum.cells++
	if why := v.readable(method, path, a); why != "" {
		sum.read++
		w.t.Errorf("%s: %d, %s", at, a.StatusCode, why)
	}
	if a.Header.Get("Set-Cookie") != "" {
		sum.acted++
		w.t.Errorf("%s: a cookie is set", at)
	}
	if a.StatusCode != http.StatusForbidden && !v.answered(method, path) {
		sum.acted++
		w.t.Errorf("%s: %d, want 403", at, a.StatusCode)
	}
}

// open runs a server without authentication.
func open(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, client: &http.Client{
		Transport:     &http.Transport{},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	t.Cleanup(w.client.CloseIdleConnections)
	w.Server = servertest.Start(t, servertest.Config(t))
	return w
}

// drive connects a driver that obeys, and labels itself team=checkout.
func (w *world) drive(id, name string) {
	w.t.Helper()
	cfg := driver.Config{URL: w.URL, DriverID: id, Labels: map[string]string{"team": "checkout"}}
	if name != "" {
		cfg.TokenFile = w.file(name)
	}
	connected, ended := make(chan struct{}, 9), make(chan error, 1)
	cfg.OnConnect = func(driver.Session) { connected <- struct{}{} }
	ctx, stop := context.WithCancel(context.Background())
	ramp := driver.NewRamp(0, func(ctx context.Context) { <-ctx.Done() })
	go func() { ended <- driver.Run(ctx, cfg, ramp) }()
	w.t.Cleanup(func() {
		defer ramp.Close()
		stop()
		if err := <-ended; err != nil {
			w.t.Errorf("%s ended with %v", id, err)
		}
	})
	select {
	case <-connected:
	case err := <-ended:
		ended <- err
		w.t.Fatalf("%s does not connect: %v", id, err)
	}
}

// TestCrossSite sends what pages of other origins make a browser send, with the cookie of an administrator and without,
// to a server with authentication and to one without.
func TestCrossSite(t *testing.T) {
	guarded := start(t, map[string]string{"root": "admin", "other": "admin", "d": "driver"}, nil)
	guarded.drive("d-1", "d")
	off := open(t)
	off.drive("d-1", "")
	var sum tally
	for _, c := range []struct {
		w       *world
		cookies []string
	}{{guarded, []string{guarded.signIn("root"), ""}}, {off, []string{""}}} {
		before := c.w.effects()
		for _, cookie := range c.cookies {
			for _, v := range vectors {
				c.w.attack(v, cookie, &sum)
			}
		}
		if c.w.path != "" {
			c.w.signIn("root")
			before.signs++
		}
		if after := c.w.effects(); after != before {
			sum.acted += after.commands - before.commands + after.drivers - before.drivers + after.signs - before.signs
			t.Errorf("pages of other origins changed %+v to %+v", before, after)
		}
	}
	t.Logf("acted %d, read %d of %d cells", sum.acted, sum.read, sum.cells)
	guarded.ownPageActs()
}

// ownPageActs is the proof that the matrix could see an effect: the same requests of an own page act and are answered.
func (w *world) ownPageActs() {
	w.t.Helper()
	cookie, before := w.signIn("root"), w.effects()
	own := vector{name: "own page", headers: from("{self}", fetched("same-origin", "cors", "empty")...)}
	form := w.posts("/ui/")[0]
	for _, c := range []struct {
		method, path string
		post
		status int
	}{
		{"GET", "/state", post{}, 200}, {"POST", "/commands", post{"application/json", stop}, 201},
		{"POST", "/ui/commands", form, 303}, {"POST", "/ui/login", form, 303}, {"POST", "/ui/theme", form, 303},
		{"POST", "/ui/logout", post{}, 303}, {"GET", "/state", post{}, 401},
	} {
		if a := w.as(own, c.method, c.path, c.post, cookie); a.StatusCode != c.status {
			w.t.Errorf("the server's own page, %s %s: %d, want %d\n%s",
				c.method, c.path, a.StatusCode, c.status, a.body)
		}
	}
	own.headers = socket(own.headers...)
	if a := w.as(own, "GET", "/drivers/connect", post{}, w.signIn("root")); a.StatusCode != 101 {
		w.t.Errorf("the server's own page opens a socket: %d", a.StatusCode)
	}
	w.signIn("root")
	if after := w.effects(); after.commands != before.commands+2 || after.signs != before.signs+4 {
		w.t.Errorf("the server's own page changed %+v to %+v", before, after)
	}
}

// TestListedOriginsHaveNoCookies: a page that may use the API does not act for the person who is signed in.
func TestListedOriginsHaveNoCookies(t *testing.T) {
	w := start(t, map[string]string{"root": "admin", "other": "admin"},
		func(c *app.Config) { c.AllowedOrigins = []string{evil} })
	cookie := w.signIn("root")
	before := w.effects()
	for _, v := range vectors {
		if len(v.headers) == 0 || v.headers[0] != "Origin: "+evil || v.host != "" || len(v.headers) > 1 &&
			strings.HasPrefix(v.headers[1], "Origin") {
			continue
		}
		for _, r := range httpapi.Routes() {
			path := strings.NewReplacer("{seq}", "1", "{driver_id}", "d-1", "*", "drivers").Replace(r.Pattern)
			if r.Needs == "nothing" || !strings.Contains(v.methods, r.Method) {
				continue
			}
			body := post{}
			if r.Method == http.MethodPost {
				body = w.posts(path)[0]
			}
			a := w.as(v, r.Method, path, body, cookie)
			toSignIn := a.StatusCode == http.StatusSeeOther && strings.HasPrefix(a.Header.Get("Location"), "/ui/login")
			if a.StatusCode < http.StatusBadRequest && !toSignIn {
				t.Errorf("%s %s as %s: %d", r.Method, path, v.name, a.StatusCode)
			}
		}
	}
	w.signIn("root")
	if after := w.effects(); after.commands != before.commands || after.signs != before.signs+1 {
		t.Errorf("changed %+v to %+v", before, after)
	}
}
