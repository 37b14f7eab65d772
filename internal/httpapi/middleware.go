package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"runtime/debug"
	"time"

	"github.com/go-chi/chi/v5/middleware"
	"github.com/google/uuid"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

type requestIDKey struct{}

// requestID identifies the request in answers and in the log.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._-]{1,128}$`)

// withRequestID uses the client's request id, or creates one, and echoes it.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !requestIDForm.MatchString(id) || swarm.HasSecret(id) {
			id = uuid.NewString()
			if v7, err := uuid.NewV7(); err == nil {
				id = v7.String()
			}
		}
		w.Header().Set("X-Request-Id", id)
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id)))
	})
}

// withLog logs and measures each request once it is answered, and turns a panic into an internal error.
func withLog(
	logger *slog.Logger, meter Meter, refuse func(http.ResponseWriter, *http.Request, error),
) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			began := time.Now()
			ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
			defer func() {
				if p := recover(); p != nil {
					if p == http.ErrAbortHandler { //nolint:errorlint // exactly this value, as net/http compares it
						panic(p)
					}
					err := fmt.Errorf("panic: %v\n%s", p, debug.Stack())
					// part of an answer has been sent: only a closed connection tells the client that it is incomplete
					if ww.Status() != 0 {
						logger.With(about(r.Context())...).Error("panic while writing a response",
							"request_id", requestID(r.Context()), "route", r.URL.Path, "err", err)
						panic(http.ErrAbortHandler)
					}
					refuse(ww, r, err)
				}
				n, took := noteOf(r.Context()), time.Since(began)
				meter.Answered(r.Method, routeOf(r), ww.Status(), n.codeOf(ww.Status()), took)
				level := slog.LevelDebug
				if r.Method != http.MethodGet && r.Method != http.MethodHead {
					level = slog.LevelInfo
				}
				logger := logger.With(about(r.Context())...)
				logger.Log(r.Context(), level, "request", "request_id", requestID(r.Context()), "method", r.Method,
					"route", r.URL.Path, "status", ww.Status(), "duration_ms", took.Milliseconds(),
					"remote_addr", r.RemoteAddr, "principal", n.principal.Name)
			}()
			next.ServeHTTP(ww, r)
		})
	}
}

// withoutSecrets refuses a URL with what looks like a token. By now proxies and this server's own log may have it.
func withoutSecrets(refuse func(http.ResponseWriter, *http.Request, error)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			query, err := url.QueryUnescape(r.URL.RawQuery)
			if swarm.HasSecret(r.URL.Path) || swarm.HasSecret(r.URL.RawQuery) || err == nil && swarm.HasSecret(query) {
				refuse(w, r, swarm.Errorf(swarm.CodeBadRequest, "the URL contains what looks like a token, and URLs are "+
					"logged on the way: revoke that token, and send tokens in the header Authorization only"))
				return
			}
			next.ServeHTTP(w, r)
		})
	}
}

// withSecurityHeaders limits what browsers may do with an answer.
func withSecurityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy",
			"default-src 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; form-action 'self'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}
