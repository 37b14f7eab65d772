package httpapi

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestClientBehindProxies: the address is that of the nearest hop that is not a trusted proxy. Headers written by
// clients, or by proxies that are not trusted, do not count.
func TestClientBehindProxies(t *testing.T) {
	p := proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		peer    string
		headers []string
		addr    string
		seen    string // scheme and Host
	}{
		"no proxy": {"192.0.2.1:99", []string{"X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https",
			"X-Forwarded-Host", "a.example"}, "192.0.2.1:99", "http://load.lan"},
		"one proxy": {"10.0.0.1:99", []string{"X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "https",
			"X-Forwarded-Host", "a.example"}, "1.2.3.4", "https://a.example"},
		"a header made up": {"10.0.0.1:99", []string{"X-Forwarded-For", "9.9.9.9, 1.2.3.4"}, "1.2.3.4",
			"http://load.lan"},
		"in a line of its own": {"10.0.0.1:99", []string{"X-Forwarded-For", "9.9.9.9", "X-Forwarded-For", "1.2.3.4"},
			"1.2.3.4", "http://load.lan"},
		"two proxies": {"10.0.0.1:99", []string{"X-Forwarded-For", "1.2.3.4, 10.0.0.2"}, "1.2.3.4",
			"http://load.lan"},
		"only proxies": {"10.0.0.1:99", []string{"X-Forwarded-For", "10.0.0.3, 10.0.0.2"}, "10.0.0.3",
			"http://load.lan"},
		"no address": {"10.0.0.1:99", []string{"X-Forwarded-For", "unknown"}, "10.0.0.1:99",
			"http://load.lan"},
		"nothing said": {"10.0.0.1:99", nil, "10.0.0.1:99", "http://load.lan"},
		"a port": {"10.0.0.1:99", []string{"X-Forwarded-For", "1.2.3.4:55"}, "1.2.3.4:55",
			"http://load.lan"},
		"IPv6": {"[fd00::1]:99", []string{"X-Forwarded-For", "2001:db8::7"}, "2001:db8::7",
			"http://load.lan"},
		"IPv4 in IPv6": {"[::ffff:10.0.0.1]:99", []string{"X-Forwarded-For", "1.2.3.4"}, "1.2.3.4",
			"http://load.lan"},
		"of a WebSocket": {"10.0.0.1:99", []string{"X-Forwarded-Proto", "wss"}, "10.0.0.1:99",
			"https://load.lan"},
		"a scheme made up": {"10.0.0.1:99", []string{"X-Forwarded-Proto", "javascript"}, "10.0.0.1:99",
			"http://load.lan"},
		"RFC 7239": {"10.0.0.1:99", []string{"Forwarded", `for="[2001:db8::7]:55";proto=https;host="a.example"`},
			"[2001:db8::7]:55", "https://a.example"},
		"RFC 7239, two": {"10.0.0.1:99", []string{"Forwarded", `For=9.9.9.9, for=1.2.3.4; Proto=https, for=10.0.0.7`},
			"1.2.3.4", "https://load.lan"},
		"RFC 7239 made up": {"10.0.0.1:99", []string{"Forwarded", "for=9.9.9.9;host=evil.example",
			"X-Forwarded-For", "1.2.3.4"}, "1.2.3.4", "http://load.lan"},
		"RFC 7239, hidden": {"10.0.0.1:99", []string{"Forwarded", "for=_hidden, for=unknown"}, "10.0.0.1:99",
			"http://load.lan"},
		"a Host made up, twice": {"10.0.0.1:99", []string{"X-Forwarded-Host", "evil.example, a.example"},
			"10.0.0.1:99", "http://a.example"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Host, r.RemoteAddr = "load.lan", c.peer
		for i := 0; i < len(c.headers); i += 2 {
			r.Header.Add(c.headers[i], c.headers[i+1])
		}
		p.wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if r.RemoteAddr != c.addr || Address(r) != c.seen {
				t.Errorf("%s: from %s to %s, want from %s to %s", name, r.RemoteAddr, Address(r), c.addr, c.seen)
			}
		})).ServeHTTP(nil, r)
	}
}

// TestForwardedHost: only a trusted proxy's header counts for the Host list, because a page that had its own name
// resolved to this server can send the header too.
func TestForwardedHost(t *testing.T) {
	w := newWorld(t, func(cfg *Config) {
		cfg.PublicURL = public(t, "https://load.example.com/swarmcall/")
		// Requests of httptest come from here.
		cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	})
	a := w.do(t, "GET", "/state", "", "Host: upstream", "X-Forwarded-Host: load.example.com")
	if a.StatusCode != http.StatusOK {
		t.Errorf("by a trusted proxy: %d %s", a.StatusCode, a.body)
	}
	w.do(t, "GET", "/state", "", "Host: upstream", "X-Forwarded-Host: evil.example").refused(
		t,
		http.StatusForbidden,
		"host_not_allowed",
	)
	w = newWorld(t, func(cfg *Config) { cfg.PublicURL = public(t, "https://load.example.com/swarmcall/") })
	w.do(t, "GET", "/state", "", "Host: upstream", "X-Forwarded-Host: load.example.com").refused(
		t,
		http.StatusForbidden,
		"host_not_allowed",
	)
}

func public(t testing.TB, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// TestPublicURL: whether or not the proxy removes the path, requests are answered, and the URLs in the answers contain
// it.
func TestPublicURL(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.PublicURL = public(t, "https://load.example.com/swarmcall/") })
	for _, before := range []string{"", "/swarmcall"} {
		for _, host := range []string{"load.example.com", "Load.Example.com.:443", "127.0.0.1:8080"} {
			a := w.do(
				t,
				"POST",
				before+"/commands",
				stop,
				"Host: "+host,
				"Origin: https://load.example.com",
				"Sec-Fetch-Site: same-origin",
			)
			if a.StatusCode != http.StatusCreated ||
				!strings.HasPrefix(a.Header.Get("Location"), "/swarmcall/commands/") {
				t.Errorf("%s/commands at %s: %d, Location %q", before, host, a.StatusCode, a.Header.Get("Location"))
			}
		}
		a := w.do(t, "GET", before+"/commands?limit=1", "", "Host: load.example.com")
		if link := a.Header.Get("Link"); !strings.HasPrefix(link, "</swarmcall/commands?") {
			t.Errorf("%s/commands: Link %q", before, link)
		}
		a = w.do(t, "GET", before+"/nowhere", "", "Host: load.example.com")
		if a.refused(t, http.StatusNotFound, "not_found"); !strings.Contains(
			a.body,
			`"instance":"/swarmcall/nowhere"`,
		) {
			t.Errorf("the problem points elsewhere: %s", a.body)
		}
	}
	for _, path := range []string{"/swarmcall", "/swarmcall/"} {
		if a := w.do(t, "GET", path, ""); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, a.StatusCode)
		}
	}
	for _, path := range []string{"/swarmcalls", "/swarmcall/swarmcall/", "/other/commands"} {
		w.do(t, "GET", path, "").refused(t, http.StatusNotFound, "not_found")
	}
	w.do(t, "POST", "/swarmcall/commands", stop, "Origin: https://evil.example").refused(
		t,
		http.StatusForbidden,
		"origin_not_allowed",
	)
}

// TestSpecNamesTheServer: generated clients take the address from the OpenAPI document.
func TestSpecNamesTheServer(t *testing.T) {
	for at, want := range map[string]string{
		"https://load.example.com/":           "https://load.example.com",
		"https://load.example.com/swarmcall/": "https://load.example.com/swarmcall",
	} {
		w := newWorld(t, func(cfg *Config) { cfg.PublicURL = public(t, at) })
		doc, err := openapi3.NewLoader().LoadFromData([]byte(w.do(t, "GET", "/openapi.yaml", "").body))
		if err != nil {
			t.Fatal(err)
		}
		if len(doc.Servers) != 1 || doc.Servers[0].URL != want {
			t.Errorf("%s: the contract has %v", at, doc.Servers[0].URL)
		}
	}
}

// TestAssetsNeedNoOrigin: the script of a page is fetched with an Origin, and behind a proxy this server does not know
// that origin.
func TestAssetsNeedNoOrigin(t *testing.T) {
	w := newWorld(t, nil)
	for _, method := range []string{"GET", "HEAD"} {
		if a := w.do(
			t,
			method,
			"/ui/assets/1/js/app.js",
			"",
			"Origin: https://load.example.com",
		); a.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s", method, a.StatusCode, a.body)
		}
	}
	w.do(t, "POST", "/ui/assets/1/js/app.js", "", "Origin: https://load.example.com").refused(
		t,
		http.StatusForbidden,
		"origin_not_allowed",
	)
	w.do(t, "GET", "/ui/assets/1/js/app.js", "", "Host: evil.example").refused(
		t,
		http.StatusForbidden,
		"host_not_allowed",
	)
}

// TestPeopleGetAPage: a refused form is answered by a page, a program gets a problem document.
func TestPeopleGetAPage(t *testing.T) {
	w := newWorld(t, func(cfg *Config) {
		cfg.RefusedPage = func(w http.ResponseWriter, _ *http.Request, err error) {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	})
	accept := "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
	a := w.do(
		t,
		"POST",
		"/ui/commands",
		"type=stop",
		"Content-Type: application/x-www-form-urlencoded",
		accept,
		"Origin: https://load.example.com",
	)
	if a.StatusCode != http.StatusForbidden || !strings.Contains(a.body, "--public-url https://load.example.com/") ||
		strings.HasPrefix(a.body, "{") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	w.do(
		t,
		"POST",
		"/ui/commands",
		"type=stop",
		"Accept: application/json",
		"Origin: https://load.example.com",
	).refused(t, http.StatusForbidden, "origin_not_allowed")
}
