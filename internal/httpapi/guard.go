package httpapi

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// guard keeps web pages of other origins out, on every route and method: a page that got the browser to resolve its own name to
// this server fails at the Host, any other at the Origin.
type guard struct {
	hosts   []string
	origins []string
	refuse  func(http.ResponseWriter, *http.Request, error)
}

func newGuard(cfg Config, refuse func(http.ResponseWriter, *http.Request, error)) *guard {
	g := &guard{hosts: []string{"localhost"}, origins: cfg.AllowedOrigins, refuse: refuse}
	if host, _, err := net.SplitHostPort(cfg.Listen); err == nil && host != "" {
		g.hosts = append(g.hosts, strings.ToLower(host))
	}
	for _, h := range cfg.AllowedHosts {
		g.hosts = append(g.hosts, strings.ToLower(h))
	}
	return g
}

func (g *guard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !g.hostAllowed(r.Host):
			g.refuse(w, r, swarm.Errorf(swarm.CodeHostNotAllowed, "this server does not answer to that Host; add it with --allowed-hosts"))
		case !g.originAllowed(r):
			g.refuse(w, r, swarm.Errorf(swarm.CodeOriginNotAllowed, "pages of that origin may not use this server; add it with --allowed-origins"))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// hostAllowed passes IP literals, which no foreign page can rebind, and the listed names, with any port.
func (g *guard) hostAllowed(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return net.ParseIP(host) != nil || slices.Contains(g.hosts, host)
}

func (g *guard) originAllowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return ownFetch(r.Header) || followedLink(r)
	}
	if len(origins) > 1 {
		return false
	}
	if slices.Contains(g.origins, origins[0]) {
		return true
	}
	u, err := url.Parse(origins[0])
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host) && u.Scheme == scheme(r)
}

// ownFetch passes what no other page asked for. Browsers leave Origin out where a page only embeds something; programs send neither.
func ownFetch(h http.Header) bool {
	site := h.Get("Sec-Fetch-Site")
	return site == "" || site == "same-origin" || site == "none"
}

// followedLink passes people who come from a page elsewhere: that page learns nothing, and only reads are done.
func followedLink(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}
