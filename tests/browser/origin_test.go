package browser

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
)

// otherPage is a page of another origin; what it fetches is up to the test.
func otherPage(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write(
			[]byte(`<!doctype html><link rel="icon" href="data:,"><main id="main">a page of somebody else</main>`),
		)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// asks are the requests of a page of another origin. Each is an expression that returns the answer, or the error.
var asks = map[string]string{
	"fetches JSON": `fetch(api + '/state').then(async r => r.status + ' ' + ('desired' in await r.json() || 'ok'))`,
	"posts": `fetch(api + '/commands', {method: 'POST', headers: {'Content-Type': 'application/json', 
		'Idempotency-Key': 'k' + Math.random()},
		body: JSON.stringify({submitter: 'page', command: {type: 'stop'}})})
		.then(async r => [r.status, r.headers.get('Location'), r.headers.get('X-Request-Id')].join(' '))`,
	"reads a refusal": `fetch(api + '/commands', {method: 'POST',
		headers: {'Content-Type': 'application/json'}, body: '{'})
		.then(async r => r.status + ' ' + (await r.json()).code)`,
	"reads a 405": `fetch(api + '/state', {method: 'DELETE'})
		.then(async r => r.status + ' ' + r.headers.get('Allow'))`,
	"streams": `new Promise((done, fail) => {
		const s = new EventSource(api + '/commands/stream?after=0');
		s.addEventListener('closed', e => { s.close(); done('closed ' + JSON.parse(e.data).status); });
		s.onerror = () => { s.close(); fail(new Error('refused')); };
	})`,
}

// TestPagesOfListedOrigins: pages of listed origins use the API and its streams; the same requests of an origin that is
// not listed fail.
func TestPagesOfListedOrigins(t *testing.T) {
	listed, other := otherPage(t), otherPage(t)
	s := startServer(t)
	s.Stop()
	s.Config.AllowedOrigins = []string{listed}
	s.Start()
	s.drive("d-1")
	s.curl(setPlayers(5))
	want := map[string]string{
		"fetches JSON":    "200 ",
		"posts":           "201 /commands/",
		"reads a refusal": "400 malformed_json",
		"reads a 405":     "405 GET, HEAD",
		"streams":         "closed complete",
	}
	for _, origin := range []string{listed, other} {
		b := newTab(t, open(t).ctx, chromedp.WithNewBrowserContext())
		b.goTo(origin)
		for name, ask := range asks {
			got := eval[string](
				b,
				`(async () => { const api = '`+s.url+`'; try { return await (`+ask+`); }
				catch (e) { return 'failed: ' + e; } })()`,
			)
			if ok := strings.HasPrefix(got, want[name]); ok != (origin == listed) || strings.Contains(got, "null") {
				t.Errorf("a page of %s (listed: %v) %s: %s", origin, origin == listed, name, got)
			}
		}
		if got := eval[string](b, `fetch('`+s.url+`/').then(() => 'read', () => 'failed')`); got != "failed" {
			t.Errorf("a page of %s: the dashboard is %s", origin, got)
		}
	}
}

// shown is true if the text is visible: the page hides it for a moment after it has loaded.
const shown = "getComputedStyle(document.getElementById('not-live')).visibility === 'visible'"

// asked evaluates an expression repeatedly until it is true. It replaces until where scripts are off, because until
// runs its polling code in the page.
func (b *tab) asked(expression string) {
	b.t.Helper()
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	end := time.After(patience)
	for !eval[bool](b, expression) {
		select {
		case <-again.C:
		case <-end:
			b.t.Fatalf("it never came true that %s", expression)
		}
	}
}

// TestNotLive: if the script does not start, the page says so; if it starts, the text disappears.
func TestNotLive(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Recently(webtest.Entries()))
	noScript := func(next http.Handler) http.Handler {
		return headers(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/js/morph.js") { // one module of many is enough
				http.Error(w, "refused", http.StatusForbidden)
				return
			}
			next.ServeHTTP(w, r)
		}))
	}
	b := open(t)
	b.goTo(fakeBehind(t, s, nil, noScript))
	b.until(shown)
	b.says("#not-live", "This page is not live.")
	b.picture("not-live")
	off := open(t)
	off.noScripts()
	off.goTo(fake(t, s, nil))
	off.asked(shown)
	off.picture("not-live-without-scripts")
	b.goTo(fake(t, s, nil))
	b.live()
	b.until("!document.getElementById('not-live')")
}
