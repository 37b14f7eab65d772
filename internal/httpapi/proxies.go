package httpapi

import (
	"net/http"
	"net/netip"
	"strings"
)

// proxies are the addresses that are trusted to report the client's address. Any other client may write anything into
// these headers.
type proxies []netip.Prefix

// wrap puts the client's own address, scheme and Host into requests that come from a trusted proxy.
func (p proxies) wrap(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.trust(r.RemoteAddr) {
			next.ServeHTTP(w, r)
			return
		}
		f := forwardedBy(r.Header)
		c := clientOf(r.Context())
		if c.scheme = f.scheme(); c.scheme == "" {
			c.scheme = scheme(r)
		}
		r = c.in(r)
		r.RemoteAddr = p.client(r.RemoteAddr, f.hops)
		if f.host != "" {
			r.Host = f.host
		}
		next.ServeHTTP(w, r)
	})
}

// client returns the address nearest to this server that is not a trusted proxy: a hop is only believed if a trusted
// proxy reports it.
func (p proxies) client(peer string, hops []string) string {
	for i := len(hops) - 1; i >= 0 && p.trust(peer); i-- {
		if _, ok := ipOf(hops[i]); !ok {
			break
		}
		peer = hops[i]
	}
	return peer
}

func (p proxies) trust(addr string) bool {
	ip, ok := ipOf(addr)
	if !ok {
		return false
	}
	for _, prefix := range p {
		if prefix.Contains(ip) {
			return true
		}
	}
	return false
}

// ipOf reads an address with or without port; an IPv6 address without one may stand in brackets.
func ipOf(addr string) (netip.Addr, bool) {
	if ap, err := netip.ParseAddrPort(addr); err == nil {
		return ap.Addr().Unmap().WithZone(""), true
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(addr, "["), "]"))
	return ip.Unmap().WithZone(""), err == nil
}

// forwarded is what a proxy reports about a request.
type forwarded struct {
	hops        []string // addresses, the nearest last
	proto, host string   // from the nearest proxy that reports them
}

// scheme returns http or https, or "" for anything else. Some proxies report the scheme of the WebSocket.
func (f forwarded) scheme() string {
	switch strings.ToLower(f.proto) {
	case "http", "ws":
		return "http"
	case "https", "wss":
		return "https"
	}
	return ""
}

// forwardedBy reads X-Forwarded-For, -Proto and -Host, or Forwarded (RFC 7239) if none of them is present. Most proxies
// set the former and pass on a Forwarded that the client made up, so Forwarded is ignored if the others are present.
func forwardedBy(h http.Header) forwarded {
	f := forwarded{
		hops:  list(h, "X-Forwarded-For"),
		proto: last(list(h, "X-Forwarded-Proto")),
		host:  last(list(h, "X-Forwarded-Host")),
	}
	if len(f.hops) > 0 || f.proto != "" || f.host != "" {
		return f
	}
	for _, element := range list(h, "Forwarded") {
		hop := ""
		for pair := range strings.SplitSeq(element, ";") {
			name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			value = strings.Trim(value, `"`)
			switch strings.ToLower(name) {
			case "for":
				hop = value
			case "proto":
				f.proto = value
			case "host":
				f.host = value
			}
		}
		f.hops = append(f.hops, hop)
	}
	return f
}

// list joins the lines of a header and splits it at its commas.
func list(h http.Header, name string) (out []string) {
	for _, line := range h.Values(name) {
		for item := range strings.SplitSeq(line, ",") {
			out = append(out, strings.TrimSpace(item))
		}
	}
	return out
}

func last(items []string) string {
	if len(items) == 0 {
		return ""
	}
	return items[len(items)-1]
}
