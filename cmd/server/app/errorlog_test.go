package app

import (
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestConnectionLog: what a client can cause is for debugging, what the operator has to know is not.
func TestConnectionLog(t *testing.T) {
	for line, level := range map[string]string{
		"http: TLS handshake error from 192.0.2.1:4711: EOF":       "",
		"http2: server connection error from 192.0.2.1:4711: x":    "",
		"http: Accept error: too many open files; retrying in 1ms": "WARN",
		"http: panic serving 192.0.2.1:4711: x":                    "ERROR",
		"http2: panic serving 192.0.2.1:4711: x":                   "ERROR",
	} {
		var out strings.Builder
		log.New(connectionLog{slog.New(slog.NewTextHandler(&out, nil))}, "", 0).Print(line)
		if got := out.String(); (level == "") != (got == "") || !strings.Contains(got, level) {
			t.Errorf("%s: logged as %q; want %q", line, got, level)
		}
	}
}

// TestHSTS: the header is sent on addresses of the network, by a server that ends TLS itself.
func TestHSTS(t *testing.T) {
	w := httptest.NewRecorder()
	withHSTS(http.NotFoundHandler()).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if got := w.Header().Get("Strict-Transport-Security"); got != "max-age=31536000" {
		t.Errorf("the header is %q", got)
	}
}
