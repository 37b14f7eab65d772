package browser

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
)

// signedServer is a server whose clients must authenticate, unless it is off.
type signedServer struct {
	*server

	admin, other, driver string // tokens; "" while authentication is off
}

func startSigned(t testing.TB) *signedServer {
	t.Helper()
	g := &signedServer{}
	var b strings.Builder
	b.WriteString("tokens:\n")
	for _, row := range []struct {
		secret     *string
		name, rest string
	}{{&g.admin, "ann", "role: admin"}, {&g.other, "mallory", "role: admin"}, {&g.driver, "d", "role: driver"}} {
		*row.secret, _ = authfile.NewSecret()
		hash := authfile.Hash(*row.secret)
		fmt.Fprintf(&b, "  - {name: %s, hash: [\"sha256:%s\"], %s}\n", row.name, hex.EncodeToString(hash[:]), row.rest)
	}
	path := filepath.Join(t.TempDir(), "auth.yaml")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	g.server = startServer(t)
	g.Stop()
	g.Config.AuthFile = path
	g.Start()
	return g
}

// drive connects a driver, so that a command of a page would have a target.
func (g *signedServer) drive() {
	g.t.Helper()
	cfg := driver.Config{URL: g.url, DriverID: "d-1", Labels: map[string]string{"team": "checkout"}}
	if g.driver != "" {
		cfg.TokenFile = filepath.Join(g.t.TempDir(), "token")
		if err := os.WriteFile(cfg.TokenFile, []byte(g.driver), 0o600); err != nil {
			g.t.Fatal(err)
		}
	}
	connected, ended := make(chan struct{}, 9), make(chan error, 1)
	cfg.OnConnect = func(driver.Session) { connected <- struct{}{} }
	ctx, stop := context.WithCancel(context.Background())
	ramp := driver.NewRamp(0, func(ctx context.Context) { <-ctx.Done() })
	go func() { ended <- driver.Run(ctx, cfg, ramp) }()
	g.t.Cleanup(func() {
		defer ramp.Close()
		stop()
		<-ended //nolint:errcheck // the end of a test
	})
	select {
	case <-connected:
	case err := <-ended:
		ended <- err
		g.t.Fatalf("the driver does not connect: %v", err)
	}
}

// read reads a document of the API as an administrator.
func (g *signedServer) read(path string) (body struct{ Items []json.RawMessage }) {
	g.t.Helper()
	r, err := http.NewRequestWithContext(g.t.Context(), http.MethodGet, g.url+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	if g.admin != "" {
		r.Header.Set("Authorization", "Bearer "+g.admin)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&body); err != nil || resp.StatusCode != http.StatusOK {
		g.t.Fatalf("%s: %d, %v", path, resp.StatusCode, err)
	}
	return body
}

// signs counts sign-ins and sign-outs. The audit log is written a little later, in order, so a sign-in of its own marks
// the end of what has happened.
func (g *signedServer) signs() (n int) {
	g.t.Helper()
	if g.admin == "" {
		return 0
	}
	const mark = "marker-"
	id := mark + rand.Text()
	r, err := http.NewRequestWithContext(g.t.Context(), http.MethodPost, g.url+"/ui/login",
		strings.NewReader("token="+g.other))
	if err != nil {
		g.t.Fatal(err)
	}
	r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "X-Request-Id": {id}}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		g.t.Fatal(err)
	}
	resp.Body.Close()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for seen := false; !seen; <-again.C {
		n = 0
		for _, e := range g.read("/audit?limit=1000").Items {
			seen = seen || strings.Contains(string(e), id)
			if strings.Contains(string(e), `"signed_`) && !strings.Contains(string(e), mark) {
				n++
			}
		}
	}
	return n
}

// effects is what pages could change: commands, drivers, sign-ins and cookies.
func (g *signedServer) effects(b *tab) string {
	g.t.Helper()
	signs := g.signs()
	var cookies []string
	jar, err := chromedp.Call(b.ctx, network.GetCookies, network.GetCookiesParams{URLs: []string{g.url + "/"}})
	if err != nil {
		g.t.Fatal(err)
	}
	for _, c := range jar.Cookies {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	slices.Sort(cookies)
	return fmt.Sprintf("%d commands, %d drivers, %d sign-ins and -outs, cookies %q",
		len(g.read("/commands?limit=1000").Items),
		len(g.read("/drivers").Items), signs, cookies)
}

// somebodyElse serves the page of somebody else. What it does is up to attack. Every request for / sets a cookie of its
// own.
func somebodyElse(t testing.TB, attack string) (port string) {
	t.Helper()
	const page = `<!doctype html><link rel="icon" href="data:,"><main id="main">somebody else</main>` +
		`<script src="/attack.js"></script>`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/attack.js" {
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(attack))
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(page))
	}))
	t.Cleanup(s.Close)
	return s.URL[strings.LastIndex(s.URL, ":")+1:]
}

// quiet opens a tab of the same visitor that does not fail on what the browser refuses.
func (b *tab) quiet() *tab {
	b.t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	b.t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil { // without a timeout: that would end the tab
		b.t.Fatalf("no tab: %v", err)
	}
	return &tab{t: b.t, ctx: ctx}
}

// attacked runs the attack in the page that is open, or in a sandboxed frame in it.
func (b *tab) attacked(api, token string, sandboxed bool) (read map[string]string) {
	b.t.Helper()
	run := fmt.Sprintf(`attack(%q, %q, globalThis.leave ?? true)`, api, token)
	if sandboxed {
		run = fmt.Sprintf(`new Promise(done => {
			const f = document.createElement('iframe');
			f.sandbox = 'allow-scripts allow-forms allow-popups allow-top-navigation';
			f.src = '/';
			f.onload = () => f.contentWindow.postMessage([%q, %q], '*');
			onmessage = e => done(e.data);
			document.body.append(f);
		})`, api, token)
	}
	read = map[string]string{}
	if err := json.Unmarshal([]byte(eval[string](b, run+".then(JSON.stringify)")), &read); err != nil {
		b.t.Fatal(err)
	}
	return read
}

// leaves waits until the page that set stillHere is gone, and the next one is complete. It does not use until, which
// needs a page that stays.
func (b *tab) leaves() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		gone, err := chromedp.Run(ctx, chromedp.Evaluate[bool](
			"!globalThis.stillHere && document.readyState === 'complete'"))
		if err == nil && gone {
			return
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			b.t.Fatalf("the page stays: %v", err)
		}
	}
}

// topForms are forms that a page sends in its own tab: the browser leaves the page for the answer.
var topForms = []struct{ path, enctype, name, value string }{
	{"/commands", "text/plain", `{"command":{"type":"stop","note":"`, `"}}`},
	{"/ui/commands", "application/x-www-form-urlencoded", "type", "stop"},
	{"/ui/login", "application/x-www-form-urlencoded", "token", "{token}"},
	{"/ui/logout", "application/x-www-form-urlencoded", "a", "b"},
	{"/ui/theme", "application/x-www-form-urlencoded", "theme", "dark"},
}

// sendTop sends the forms from a page, one after the other.
func (b *tab) sendTop(page, api, token string) {
	b.t.Helper()
	for _, f := range topForms {
		b.do(chromedp.Navigate(page))
		eval[bool](b, fmt.Sprintf(`(() => {
			const form = document.createElement('form'), i = document.createElement('input');
			Object.assign(form, {method: 'post', action: %q, enctype: %q});
			Object.assign(i, {name: %q, value: %q});
			form.append(i);
			document.body.append(form);
			globalThis.stillHere = true;
			setTimeout(() => form.submit());
			return true;
		})()`, api+f.path, f.enctype, f.name, strings.Replace(f.value, "{token}", token, 1)))
		b.leaves()
	}
}

// TestCrossSite lets pages of other origins try everything against a server: with a person who is signed in, with one
// who is not, and without authentication.
func TestCrossSite(t *testing.T) {
	on, off := startSigned(t), &signedServer{server: startServer(t)}
	attack := attackOn(t, on.url)
	port := somebodyElse(t, attack)
	on.drive()
	off.drive()
	cells, read, acted := 0, 0, 0
	for _, visitor := range []struct {
		name   string
		at     *signedServer
		signed bool
	}{{"signed in", on, true}, {"nobody", on, false}, {"without authentication", off, false}} {
		b := open(t)
		b.goTo(visitor.at.url + "/ui/login")
		if visitor.signed {
			b.do(chromedp.SetValue("#token", visitor.at.admin), chromedp.Click(".sign-in button"))
			b.until("location.pathname === '/'")
			b.live()
		}
		api := visitor.at.url
		rebound := "http://evil.test" + api[strings.LastIndex(api, ":"):]
		before := visitor.at.effects(b)
		for _, page := range []struct {
			name, url, api string
			sandboxed      bool
		}{
			{"another port", "http://127.0.0.1:" + port, api, false},
			{"another name of this machine", "http://localhost:" + port, api, false},
			{"another site", "http://evil.test:" + port, api, false},
			{"a sandboxed frame", "http://127.0.0.1:" + port, api, true},
			{"a sandboxed frame of another site", "http://evil.test:" + port, api, true},
			{"another name for the server", rebound, rebound, false},
		} {
			foreign := b.quiet()
			foreign.do(chromedp.Navigate(page.url + "/"))
			if page.url == rebound { // as if it came from the page's own server, before its name led to this one
				eval[bool](foreign, attack+"; globalThis.attack = attack; true")
			}
			for name, got := range foreign.attacked(page.api, on.other, page.sandboxed) {
				if cells++; got != "" {
					read++
					t.Errorf("%s, page of %s, %s: read %q", visitor.name, page.name, name, got)
				}
			}
			if !page.sandboxed {
				foreign.sendTop(page.url+"/", page.api, on.other)
				cells += len(topForms)
			}
			if after := visitor.at.effects(b); after != before {
				acted++
				t.Errorf("%s, page of %s: %s became %s", visitor.name, page.name, before, after)
				before = after
			}
		}
		if visitor.signed {
			own := b.quiet()
			own.do(chromedp.Navigate(api + "/"))
			ownPage(own, visitor.at, api)
		}
	}
	t.Logf("acted %d, read %d of %d cells", acted, read, cells)
}

// ownPage is the proof that the matrix could see an effect: the same script in the server's own page reads and acts.
func ownPage(b *tab, at *signedServer, api string) {
	b.t.Helper()
	before, attack := at.effects(b), attackOn(b.t, api)
	// without the sign-out, which would race with the rest
	eval[bool](b, attack+"; globalThis.attack = attack; globalThis.leave = false; true")
	got := b.attacked(api, at.other, false)
	read := 0
	for _, text := range got {
		if text != "" {
			read++
		}
	}
	for _, name := range []string{"fetch /state", "fetch /audit", "XMLHttpRequest", "post JSON",
		"EventSource /commands/stream?after=0",
		"EventSource /ui/stream?topic=/&fresh=/"} {
		if got[name] == "" {
			b.t.Errorf("the server's own page could not %s", name)
		}
	}
	after := at.effects(b)
	if after == before {
		b.t.Errorf("the server's own page changed nothing: %s", after)
	}
	b.t.Logf("the server's own page read %d of %d cells; %s became %s", read, len(got), before, after)
}
