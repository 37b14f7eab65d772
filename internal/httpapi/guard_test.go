package httpapi

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestHostList(t *testing.T) {
	g := newGuard(Config{Listen: "swarm.lan:8080", AllowedHosts: []string{"Load.Example.com"}}, nil)
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.0.0.1:8080": true, "127.0.0.1:1": true, "[::1]": true, "[::1]:8080": true, "::1": true,
		"localhost.": true, "LocalHost.:8080": true, "swarm.lan.": true, "load.example.com.:443": true,
		"127.0.0.1.":     true,
		"192.168.7.9:80": true, "localhost": true, "localhost:9999": true, "LOCALHOST:8080": true,
		"swarm.lan": true, "swarm.lan:443": true, "Swarm.LAN:8080": true, "load.example.com:8080": true,

		"": false, ":8080": false, "evil.example": false, "evil.example:8080": false,
		"127.0.0.1.evil.example:8080": false,
		"localhost.evil.example":      false, "evil.example.": false, "sub.load.example.com": false,
		"localhost@evil.example": false,
		"evil.example#localhost": false, "0x7f000001": false, "2130706433": false, "127.1": false,
		"[::1].evil.example": false,
		"localhost..":        false, ".localhost": false, ".": false, "evil.example.:8080": false,
		"evil.example:127.0.0.1": false, "localhost:80:80": false, "localhost, evil.example": false,
	} {
		if got := g.hostAllowed(host); got != want {
			t.Errorf("host %q: allowed %v, want %v", host, got, want)
		}
	}
}

// A browser reports the origin of a page by Origin and Sec-Fetch-Site; a program sends neither.
func TestOrigins(t *testing.T) {
	g := newGuard(Config{Listen: "127.0.0.1:8080", AllowedOrigins: []string{"https://load.example.com"}}, nil)
	for name, c := range map[string]struct {
		method  string
		headers []string // name, value, …
		tls     bool
		want    bool
	}{
		"a program": {method: "POST", want: true},
		"our own page": {method: "POST",
			headers: []string{"Origin", "http://127.0.0.1:8080", "Sec-Fetch-Site", "same-origin"}, want: true},
		"our own page reads": {method: "GET", headers: []string{"Sec-Fetch-Site", "same-origin"}, want: true},
		"typed into the address bar": {method: "GET",
			headers: []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, want: true},
		"a link to us": {method: "GET",
			headers: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest",
				"document"}, want: true},
		"behind a proxy with TLS": {method: "POST", headers: []string{"Origin", "https://load.example.com"},
			want: true},
		"our own page over TLS": {method: "POST", headers: []string{"Origin", "https://127.0.0.1:8080"},
			tls: true, want: true},
		"the default port, by name": {method: "POST", headers: []string{"Origin", "http://127.0.0.1:8080"},
			want: true},
		"upgrade of the scheme": {method: "POST", headers: []string{"Origin", "https://127.0.0.1:8080"}},
		"downgrade of the scheme": {method: "POST", headers: []string{"Origin", "http://127.0.0.1:8080"},
			tls: true},
		"a foreign page":              {method: "POST", headers: []string{"Origin", "http://evil.example"}},
		"a foreign page reads":        {method: "GET", headers: []string{"Origin", "http://evil.example"}},
		"another port":                {method: "POST", headers: []string{"Origin", "http://127.0.0.1:3000"}},
		"a file or a sandboxed frame": {method: "POST", headers: []string{"Origin", "null"}},
		"an empty origin":             {method: "POST", headers: []string{"Origin", ""}},
		"two origins": {method: "POST",
			headers: []string{"Origin", "http://127.0.0.1:8080", "Origin", "http://evil.example"}},
		"a listed origin as a prefix": {method: "POST",
			headers: []string{"Origin", "https://load.example.com.evil.example"}},
		"a foreign form, no origin": {method: "POST",
			headers: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}},
		"a page of another port": {method: "POST", headers: []string{"Sec-Fetch-Site", "same-site"}},
		"a foreign image": {method: "GET",
			headers: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image"}},
		"a foreign frame": {method: "GET",
			headers: []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest",
				"iframe"}},
		"a script of another port": {method: "HEAD",
			headers: []string{"Sec-Fetch-Site", "same-site", "Sec-Fetch-Mode", "no-cors"}},
	} {
		r := httptest.NewRequest(c.method, "/commands", nil)
		r.Host = "127.0.0.1:8080"
		for i := 0; i < len(c.headers); i += 2 {
			r.Header.Add(c.headers[i], c.headers[i+1])
		}
		if c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if got := g.originAllowed(r); got != c.want {
			t.Errorf("%s: allowed %v, want %v", name, got, c.want)
		}
	}
}

// TestForeignPagesAreRefused sends requests to every route with every method as a foreign page would, including the
// socket and the pages.
func TestForeignPagesAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	methods := []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
	cells := 0
	for _, path := range append(paths(), pagePath, "/nowhere") {
		for _, method := range methods {
			for _, c := range []struct{ code, headers string }{
				{"origin_not_allowed", "Origin: http://evil.example"},
				{"origin_not_allowed", "Origin: null"},
				{"host_not_allowed", "Host: evil.example:8080"},
			} {
				headers := []string{c.headers}
				if c.code == "host_not_allowed" { // rebound by DNS: to the browser it is the page's own origin
					headers = append(headers, "Origin: http://evil.example:8080", "Sec-Fetch-Site: same-origin")
				}
				a := w.do(t, method, path, stop, headers...)
				if cells++; method != "HEAD" {
					a.refused(t, http.StatusForbidden, c.code)
				}
				if a.StatusCode != http.StatusForbidden {
					t.Errorf("%s %s with %s: got %d, want 403", method, path, c.headers, a.StatusCode)
				}
			}
		}
	}
	if n := w.count(); n > 0 {
		t.Errorf("%d of %d requests of foreign pages became commands", n, cells)
	}
	t.Logf("%d cells refused", cells)
}
