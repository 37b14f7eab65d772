package httpapi

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// maxShown bounds how much of a refused name is repeated, because the client chose it.
const maxShown = 255

func clip(name string) string { return name[:min(len(name), maxShown)] }

// nameForm is a host name that --allowed-hosts accepts.
var nameForm = regexp.MustCompile(`^[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$`)

// hostRefused returns the refusal of a Host, with the flag that would allow it.
func hostRefused(hostport string) error {
	host := clip(hostName(hostport))
	switch {
	case hostport == "":
		return swarm.Errorf(
			swarm.CodeHostNotAllowed,
			"the request has no Host; only /livez and /readyz are answered without one",
		)
	case !nameForm.MatchString(host):
		return swarm.Errorf(
			swarm.CodeHostNotAllowed,
			"this server does not answer to the Host "+strconv.Quote(clip(hostport))+", which is not a host name",
		)
	}
	return swarm.RefusedWithHints(
		swarm.CodeHostNotAllowed, "this server does not answer to the Host "+strconv.Quote(host),
		swarm.Hint{When: "if that is a name of this server", Flag: "--allowed-hosts " + host})
}

// originRefused returns the refusal of an origin, with the flags that would allow it: one if the origin is this
// server's own, one if it is another page's.
func originRefused(origins []string) error {
	if len(origins) != 1 {
		return swarm.Errorf(
			swarm.CodeOriginNotAllowed,
			"a page of another site sent this request, without exactly one Origin header",
		)
	}
	origin := clip(origins[0])
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Scheme+"://"+u.Host != origin {
		return swarm.Errorf(
			swarm.CodeOriginNotAllowed,
			"pages of the origin "+strconv.Quote(origin)+" may not use this server, and no flag can allow it: "+
				"it is a file, a sandboxed frame or a page that hides its origin",
		)
	}
	return swarm.RefusedWithHints(
		swarm.CodeOriginNotAllowed,
		"pages of the origin "+strconv.Quote(origin)+" may not use this server",
		swarm.Hint{
			When: "if a proxy serves this dashboard there",
			Flag: "--public-url " + origin + "/ (and the path there, if it has one)",
		},
		swarm.Hint{When: "if it is another page that you trust", Flag: "--allowed-origins " + origin},
	)
}

// warnOfHost logs each refused Host once: someone else may have configured the driver or the proxy that sends it.
func (g *guard) warnOfHost(r *http.Request) {
	host := clip(hostName(r.Host))
	first, last := g.refusedHosts.first(host)
	if first {
		g.logger.Warn(
			"refused a request for an unknown Host; this is logged once per Host",
			"host",
			host,
			"route",
			r.URL.Path,
			"remote_addr",
			r.RemoteAddr,
			"hint",
			"if that is a name of this server, start it with --allowed-hosts",
		)
	}
	if last {
		g.logger.Warn("too many unknown Hosts; further ones are refused without a log line", "logged", maxSeen)
	}
}

// warnOfOrigin logs each refused origin once.
func (g *guard) warnOfOrigin(r *http.Request) {
	origin := clip(r.Header.Get("Origin"))
	first, last := g.refusedOrigins.first(origin)
	if first {
		g.logger.Warn(
			"refused a request from a page of another origin; this is logged once per origin",
			"origin",
			origin,
			"host",
			clip(r.Host),
			"route",
			r.URL.Path,
			"remote_addr",
			r.RemoteAddr,
			"hint",
			"if a proxy serves the dashboard there, start the server with --public-url; "+
				"if you trust the page, with --allowed-origins",
		)
	}
	if last {
		g.logger.Warn("too many unknown origins; further ones are refused without a log line", "logged", maxSeen)
	}
}
