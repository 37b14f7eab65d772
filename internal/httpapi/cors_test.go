package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

const listed = "https://tools.example.com"

func withListed(cfg *Config) { cfg.AllowedOrigins = []string{listed} }

// TestPreflights: a listed origin is answered, any other is refused as on every route.
func TestPreflights(t *testing.T) {
	w := newWorld(t, withListed)
	for _, path := range paths() {
		if isPage(path) {
			continue
		}
		a := w.do(
			t,
			"OPTIONS",
			path,
			"",
			"Origin: "+listed,
			"Access-Control-Request-Method: POST",
			"Access-Control-Request-Headers: content-type,idempotency-key",
			"Access-Control-Request-Private-Network: true",
		)
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": listed, "Access-Control-Allow-Methods": "POST",
			"Access-Control-Allow-Headers":         "Idempotency-Key",
			"Access-Control-Allow-Private-Network": "true", "Vary": "Origin",
		} {
			if got := a.Header.Get(name); !strings.Contains(got, want) {
				t.Errorf("%s: %s is %q, want %q in it", path, name, got, want)
			}
		}
		if a.StatusCode != http.StatusNoContent || a.Header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: %d, %v", path, a.StatusCode, a.Header)
		}
		a = w.do(t, "OPTIONS", path, "", "Origin: https://evil.example", "Access-Control-Request-Method: POST")
		if a.refused(t, http.StatusForbidden, "origin_not_allowed"); a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: a foreign origin is let in: %v", path, a.Header)
		}
	}
}

// TestAnswersForOtherPages can be read by pages of listed origins, including refusals of the API, and by no other page.
// No request has the credentials of the visitor.
func TestAnswersForOtherPages(t *testing.T) {
	w := newWorld(t, withListed)
	for _, c := range []struct{ method, path, body string }{
		{"GET", "/state", ""}, {"POST", "/commands", stop}, {"GET", "/commands/stream", ""}, {"GET",
			"/commands/export", ""},
		{"GET", "/nowhere", ""}, {"POST", "/commands", "{"}, {"DELETE", "/commands", ""},
	} {
		a := w.do(t, c.method, c.path, c.body, "Origin: "+listed)
		if a.Header.Get("Access-Control-Allow-Origin") != listed ||
			a.Header.Get("Access-Control-Allow-Credentials") != "" ||
			!slices.Contains(a.Header.Values("Vary"), "Origin") {
			t.Errorf("%s %s: %v", c.method, c.path, a.Header)
		}
		for _, name := range []string{"Location", "Link", "Retry-After", "Idempotent-Replayed", "X-Request-Id"} {
			if !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), name) {
				t.Errorf("%s %s does not expose %s", c.method, c.path, name)
			}
		}
		for _, origin := range []string{"Origin: http://127.0.0.1:8080", "Origin: https://evil.example",
			"X-None: none"} {
			a := w.do(t, c.method, c.path, c.body, origin)
			if a.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s %s with %s: %v", c.method, c.path, origin, a.Header)
			}
		}
	}
	for _, path := range []string{"/", pagePath} { // the dashboard is not part of it
		if a := w.do(t, "GET", path, "", "Origin: "+listed); a.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, a.Header)
		}
	}
	if a := newWorld(t, nil).do(t, "GET", "/state", ""); a.Header.Get("Vary") != "" {
		t.Errorf("without the flag: %v", a.Header)
	}
}
