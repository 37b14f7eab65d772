package httpapi

import (
	"net/http"
	"slices"
	"strings"
)

// What pages of other origins may send and read. Cookies and client certificates are not included.
const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE" // any other is answered with 405, which the page can read
	corsHeaders = "Accept, Authorization, Content-Type, Idempotency-Key, Last-Event-ID, Prefer, Traceparent, " +
		"Tracestate, X-Request-Id"
	corsExposed = "Allow, Idempotent-Replayed, Link, Location, Preference-Applied, Retry-After, X-Request-Id"
	corsMaxAge  = "600"
)

// cors lets pages of the listed origins use the API. The guard has already refused all other pages.
type cors []string

func (c cors) wrap(next http.Handler) http.Handler {
	if len(c) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if isPage(r.URL.Path) {
			next.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h.Add("Vary", "Origin") // also without an Origin: a cache must not give this answer to another page
		origin := r.Header.Get("Origin")
		if !slices.Contains(c, origin) {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			h.Set("Access-Control-Expose-Headers", corsExposed)
			next.ServeHTTP(w, r)
			return
		}
		preflight(w, r)
	})
}

// preflight answers the question that a browser asks before a request that a plain form could not send.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	for _, name := range []string{"Method", "Headers", "Private-Network"} {
		h.Add("Vary", "Access-Control-Request-"+name)
	}
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", corsMaxAge)
	// From the internet to a machine in a private network.
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		h.Set("Access-Control-Allow-Private-Network", "true")
	}
	w.WriteHeader(http.StatusNoContent)
}

// isPage distinguishes the dashboard, which is not for other pages, from the API.
func isPage(path string) bool { return path == "/" || strings.HasPrefix(path, "/ui/") }
