package httpapi

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// guard refuses web pages of other origins, on every route and method. A page that made the browser resolve its own
// name to this server fails the Host check, any other page fails the Origin check. Two things are open: files of the
// dashboard, which contain no data and which browsers fetch with an Origin, and health checks of programs that send no
// Host or one of their own.
type guard struct {
	hosts   []string
	origins []string
	refuse  func(http.ResponseWriter, *http.Request, error)
	logger  *slog.Logger

	refusedHosts, refusedOrigins seen
}

func newGuard(cfg Config, refuse func(http.ResponseWriter, *http.Request, error)) *guard {
	g := &guard{
		hosts:   []string{"localhost"},
		origins: slices.Clone(cfg.AllowedOrigins),
		logger:  cfg.Logger,
		refuse: func(w http.ResponseWriter, r *http.Request, err error) {
			if wantsPage(r) {
				cfg.RefusedPage(w, r, err)
				return
			}
			refuse(w, r, err)
		},
	}
	if host, _, err := net.SplitHostPort(cfg.Listen); err == nil && host != "" {
		g.hosts = append(g.hosts, hostName(host))
	}
	for _, h := range cfg.AllowedHosts {
		g.hosts = append(g.hosts, hostName(h))
	}
	if p := cfg.PublicURL; p != nil {
		g.hosts = append(g.hosts, hostName(p.Host))
		g.origins = append(g.origins, p.Scheme+"://"+p.Host)
	}
	return g
}

func (g *guard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := g.hostAllowed(r.Host)
		switch {
		case !known && !healthCheck(r):
			g.warnOfHost(r)
			g.refuse(w, r, hostRefused(r.Host))
		case !g.originAllowed(r) && !isAsset(r):
			g.warnOfOrigin(r)
			g.refuse(w, r, originRefused(r.Header.Values("Origin")))
		case !known && r.Host != "": // it may be a page that had its own name resolved to this server
			c := clientOf(r.Context())
			c.stranger = true
			next.ServeHTTP(w, c.in(r))
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// healthCheck distinguishes the probes of load balancers, which know an address but no name, from browsers, as far as
// possible.
func healthCheck(r *http.Request) bool {
	return isRead(r) && (r.URL.Path == "/livez" || r.URL.Path == "/readyz") &&
		r.Header.Get("Origin") == "" && r.Header.Get("Sec-Fetch-Site") == ""
}

func isRead(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// isAsset recognizes the files of the dashboard: scripts are fetched with an Origin even by the page they belong to.
func isAsset(r *http.Request) bool {
	return isRead(r) && strings.HasPrefix(r.URL.Path, "/ui/assets/")
}

// wantsPage distinguishes people from programs.
func wantsPage(r *http.Request) bool { return strings.Contains(r.Header.Get("Accept"), "text/html") }

// hostAllowed accepts IP literals, which no foreign page can rebind, and the listed names, with any port.
func (g *guard) hostAllowed(hostport string) bool {
	host := hostName(hostport)
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
	return err == nil && u.Host != "" && u.Scheme == scheme(r) && sameHost(u.Scheme, u.Host, r.Host)
}

// ownFetch accepts requests that no other page made. Browsers omit Origin when a page only embeds something; programs
// send neither header.
func ownFetch(h http.Header) bool {
	site := h.Get("Sec-Fetch-Site")
	return site == "" || site == "same-origin" || site == "none"
}

// followedLink accepts people who follow a link from another page: that page learns nothing, and only reads are
// possible.
func followedLink(r *http.Request) bool {
	return isRead(r) &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}
