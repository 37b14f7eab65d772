package httpapi

import (
	"net/http"
	"net/url"
	"regexp"
	"strconv"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// maxShown bounds how much of a refused name is repeated: it is whatever the client has sent.
const maxShown = 255

func clip(name string) string { return name[:min(len(name), maxShown)] }

// nameForm is a host name that --allowed-hosts takes.
var nameForm = regexp.MustCompile(`^[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$`)

// hostRefused names the Host and the flag that would let it in.
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
	return swarm.Curable(swarm.CodeHostNotAllowed, "this server does not answer to the Host "+strconv.Quote(host),
		swarm.Cure{When: "if that is a name of this server", Flag: "--allowed-hosts " + host})
}

// originRefused names the origin and the flags that would let it in: one if it is this server's own, one if it is
// another page's.
func originRefused(origins []string) error {
	if len(origins) != 1 {
		return swarm.Errorf(
			swarm.CodeOriginNotAllowed,
			"a page of another site asked for this, and did not say which (no single Origin)",
		)
	}
	origin := clip(origins[0])
	u, err := url.Parse(origin)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Scheme+"://"+u.Host != origin {
		return swarm.Errorf(
			swarm.CodeOriginNotAllowed,
			"pages of the origin "+strconv.Quote(origin)+" may not use this server, and no flag lets them: "+
				"it is a file, a sandboxed frame or a page that hides where it is from",
		)
	}
	return swarm.Curable(
		swarm.CodeOriginNotAllowed,
		"pages of the origin "+strconv.Quote(origin)+" may not use this server",
		swarm.Cure{
			When: "if a proxy serves this dashboard there",
			Flag: "--public-url " + origin + "/ (and the path there, if it has one)",
		},
		swarm.Cure{When: "if it is another page that you know", Flag: "--allowed-origins " + origin},
	)
}

// warnOfHost logs each refused Host once: the driver or the proxy that sends it is configured by somebody else.
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
		g.logger.Warn("too many unknown Hosts; further ones are refused without a line here", "logged", maxSeen)
	}
}

// warnOfOrigin logs each refused origin once.
func (g *guard) warnOfOrigin(r *http.Request) {
	origin := clip(r.Header.Get("Origin"))
	first, last := g.refusedOrigins.first(origin)
	if first {
		g.logger.Warn(
			"refused a request of a page of another origin; this is logged once per origin",
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
				"if you know the page, with --allowed-origins",
		)
	}
	if last {
		g.logger.Warn("too many unknown origins; further ones are refused without a line here", "logged", maxSeen)
	}
}
