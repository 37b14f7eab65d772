package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestSecurityHeadersOnEveryAnswer(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Ready = ready(false) })
	for _, path := range append(paths(), pagePath, "/nowhere", "/commands?limit=0") {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			for _, host := range []string{"127.0.0.1:8080", "evil.example"} {
				h := w.do(t, method, path, "", "Host: "+host).Header
				for name, want := range map[string]string{
					"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
					"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
				} {
					if got := h.Get(name); got != want {
						t.Errorf("%s %s at %s: %s is %q, want %q", method, path, host, name, got, want)
					}
				}
				csp := h.Get("Content-Security-Policy")
				for _, part := range []string{"default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'",
					"object-src 'none'", "form-action 'self'"} {
					if !strings.Contains(csp, part) {
						t.Errorf("%s %s at %s: the policy %q is missing %s", method, path, host, csp, part)
					}
				}
			}
		}
	}
}

func TestRequestID(t *testing.T) {
	w := newWorld(t, nil)
	if got := w.do(t, "GET", "/livez", "",
		"X-Request-Id: build-77.a_b").Header.Get("X-Request-Id"); got != "build-77.a_b" {
		t.Errorf("the client's id became %q", got)
	}
	seen := map[string]bool{}
	for _, bad := range []string{"", "a b", "a\r\nX: y", "ünïcode", strings.Repeat("a", 129), "<script>"} {
		r := httptest.NewRequest("GET", "/nowhere", nil)
		r.Host = "localhost"
		r.Header["X-Request-Id"] = []string{bad}
		rec := httptest.NewRecorder()
		w.handler.ServeHTTP(rec, r)
		got := rec.Header().Get("X-Request-Id")
		if got == bad || !requestIDForm.MatchString(got) || seen[got] || !strings.Contains(rec.Body.String(), got) {
			t.Errorf("for %q: id %q, body %s", bad, got, rec.Body)
		}
		seen[got] = true
	}
}

// TestPanic: the client learns that an error occurred, and its request id; the cause is only in the log.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	for _, boom := range []any{"secret-1", errors.New("secret-1"), 7654321.5,
		fmt.Errorf("wrapped: %w", http.ErrBodyNotAllowed)} {
		log.Reset()
		w.boom = boom
		a := w.do(t, "POST", "/commands", stop)
		a.refused(t, http.StatusInternalServerError, "internal")
		if cause := fmt.Sprint(boom); strings.Contains(a.body, cause+`"`) || strings.Contains(a.body, "secret") {
			t.Errorf("the answer tells the cause: %s", a.body)
		} else if !strings.Contains(log.String(), cause) || !strings.Contains(log.String(), a.RequestID) {
			t.Errorf("the log is missing %q or the request id %s:\n%s", cause, a.RequestID, &log)
		}
		if !strings.Contains(log.String(), "fakes_test.go") {
			t.Errorf("the log does not tell where it happened:\n%s", &log)
		}
	}
	w.boom = nil
	if a := w.do(t, "POST", "/commands", stop); a.StatusCode != http.StatusCreated {
		t.Errorf("after the panics: %d", a.StatusCode)
	}
}

// TestPanicWhileWritingAResponse: an incomplete answer must not look complete, and nothing may be written after it.
func TestPanicWhileWritingAResponse(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Pages = func(func(http.ResponseWriter, *http.Request, error)) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte("half"))
				panic("boom")
			})
		}
	})
	rec := httptest.NewRecorder()
	defer func() {
		if p := recover(); p != http.ErrAbortHandler { //nolint:errorlint // the very value, as net/http compares it
			t.Errorf("the panic became %v; net/http cuts the connection on ErrAbortHandler", p)
		}
		if got := rec.Body.String(); got != "half" {
			t.Errorf("the client got %q", got)
		}
	}()
	r := httptest.NewRequest("GET", "/", nil)
	r.Host = "localhost"
	w.handler.ServeHTTP(rec, r)
}
