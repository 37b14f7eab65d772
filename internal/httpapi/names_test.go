package httpapi

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// logged is a router with a log for the test to read.
func logged(t *testing.T, change func(*Config)) (*world, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	w := newWorld(t, func(cfg *Config) {
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		if change != nil {
			change(cfg)
		}
	})
	return w, &log
}

// TestRefusedHostIsNamed: the log names the refused Host and the flag that allows it, for the operator of the driver or
// the proxy.
func TestRefusedHostIsNamed(t *testing.T) {
	w, log := logged(t, nil)
	for range 3 {
		for _, host := range []string{"swarmcall:8080", "SwarmCall", "swarmcall."} {
			a := w.do(t, "GET", "/drivers/connect", "", "Host: "+host)
			a.refused(t, http.StatusForbidden, "host_not_allowed")
			if !strings.Contains(a.Detail, `"swarmcall"`) || !strings.Contains(a.Detail, "--allowed-hosts swarmcall") {
				t.Errorf("the refusal of %s: %s", host, a.Detail)
			}
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 || !strings.Contains(log.String(), "host=swarmcall ") {
		t.Errorf("%d warnings for one name:\n%s", n, log)
	}
	a := w.do(t, "GET", "/", "", `Host: a b"<script>`)
	if a.refused(t, http.StatusForbidden, "host_not_allowed"); strings.Contains(a.Detail, "--allowed-hosts") {
		t.Errorf("a flag is proposed for what is no name: %s", a.Detail)
	}
}

// TestRefusedOriginIsNamed also checks the advice for an origin that no flag can allow.
func TestRefusedOriginIsNamed(t *testing.T) {
	w, log := logged(t, nil)
	for range 3 {
		a := w.do(t, "POST", "/commands", stop, "Origin: https://load.example.com")
		a.refused(t, http.StatusForbidden, "origin_not_allowed")
		for _, want := range []string{"--public-url https://load.example.com/",
			"--allowed-origins https://load.example.com"} {
			if !strings.Contains(a.Detail, want) {
				t.Errorf("%q is not in: %s", want, a.Detail)
			}
		}
	}
	if n := strings.Count(log.String(), "level=WARN"); n != 1 ||
		!strings.Contains(log.String(), "origin=https://load.example.com ") {
		t.Errorf("%d warnings for one origin:\n%s", n, log)
	}
	for _, origin := range []string{"null", "", "https://load.example.com/path", "file://"} {
		a := w.do(t, "POST", "/commands", stop, "Origin: "+origin)
		if a.refused(t, http.StatusForbidden, "origin_not_allowed"); strings.Contains(a.Detail, "--") {
			t.Errorf("a flag is proposed for the origin %q: %s", origin, a.Detail)
		}
	}
}

// TestScannerDoesNotFloodTheLog sends more names of each kind than are logged.
func TestScannerDoesNotFloodTheLog(t *testing.T) {
	w, log := logged(t, nil)
	ask := func(host, origin string) {
		r := httptest.NewRequest("GET", "/state", nil)
		if r.Host = host; origin != "" {
			r.Header.Set("Origin", origin)
		}
		w.handler.ServeHTTP(httptest.NewRecorder(), r) // without the check of the contract, which takes 10 ms
	}
	for i := range 3 * maxSeen {
		ask(fmt.Sprintf("h%d.example", i), "")
		ask("127.0.0.1", fmt.Sprintf("http://o%d.example", i))
		ask(strings.Repeat("x", 4000)+fmt.Sprint(i), "")
	}
	if n := strings.Count(log.String(), "\n"); n != 2*(maxSeen+1) {
		t.Errorf("%d lines, want %d", n, 2*(maxSeen+1))
	}
	for line := range strings.Lines(log.String()) {
		if len(line) > 1000 {
			t.Errorf("a line of %d bytes: %.300s", len(line), line)
		}
	}
}

// TestHealthChecksNeedNoHost: load balancers speak HTTP/1.0 without Host, or send a name of their own.
func TestHealthChecksNeedNoHost(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Ready = ready(true) })
	for _, path := range []string{"/livez", "/readyz"} {
		for _, method := range []string{"GET", "HEAD"} {
			for _, host := range []string{"", "10.1.2.3:8080", "[fd00::7]:8080", "backend-7", "pool.internal:8080"} {
				if a := w.do(t, method, path, "", "Host: "+host); a.StatusCode != http.StatusOK {
					t.Errorf("%s %s with Host %q: %d", method, path, host, a.StatusCode)
				}
			}
		}
		w.do(t, "POST", path, "", "Host: ").refused(t, http.StatusForbidden, "host_not_allowed")
	}
	for _, path := range append(paths(), pagePath, "/nowhere", "/livez/", "/readyz/x", "//livez") {
		if path != "/livez" && path != "/readyz" {
			w.do(t, "GET", path, "", "Host: ").refused(t, http.StatusForbidden, "host_not_allowed")
		}
	}
}

// TestHealthForAnUnknownHostHasNoDetails: a page that had its own name resolved to this server looks like a load
// balancer.
func TestHealthForAnUnknownHostHasNoDetails(t *testing.T) {
	w := newWorld(t, func(cfg *Config) { cfg.Ready = ready(false) })
	for host, details := range map[string]bool{"": true, "127.0.0.1:8080": true, "evil.example": false} {
		if a := w.do(t, "GET", "/readyz", "", "Host: "+host); strings.Contains(a.body, "disk full") != details {
			t.Errorf("Host %q: %s", host, a.body)
		}
	}
}
