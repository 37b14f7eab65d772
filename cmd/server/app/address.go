package app

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
)

// nameForm is the form of a host name in lower case. Service names of containers may have underscores.
var nameForm = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// maxNameBytes is the maximum length of a host name.
const maxNameBytes = 253

// normalHost normalizes a host name for comparison: lower case, without the trailing dot.
func normalHost(h string) string { return strings.ToLower(strings.TrimSuffix(h, ".")) }

func isName(h string) bool { return len(h) <= maxNameBytes && nameForm.MatchString(h) }

// checkHost refuses what can never be the name in a Host header, and suggests what to write instead.
func checkHost(h string) error {
	name := normalHost(h)
	bare := strings.Trim(name, "[]")
	switch {
	case net.ParseIP(bare) != nil:
		return fmt.Errorf("--allowed-hosts has %q; IP addresses are always allowed: remove it", h)
	case strings.Contains(h, "*") || strings.HasPrefix(h, "."):
		return fmt.Errorf("--allowed-hosts has %q; there are no wildcards: list each name", h)
	case isName(name):
		return nil
	}
	if fixed := nameIn(h); fixed != "" {
		return fmt.Errorf(
			"--allowed-hosts has %q; it takes host names without scheme, port and path: write %s",
			h,
			fixed,
		)
	}
	return fmt.Errorf("--allowed-hosts has %q; it takes host names such as load.example.com, without scheme and port; "+
		"write names with non-ASCII letters as the browser sends them, such as xn--bcher-kva.example", h)
}

// nameIn returns the host name in a longer text such as a URL; "" if there is none.
func nameIn(s string) string {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "://") {
		s = "http://" + s
	}
	u, err := url.Parse(s)
	if err != nil || !isName(normalHost(u.Hostname())) {
		return ""
	}
	return normalHost(u.Hostname())
}

// checkOrigin refuses what no browser sends as Origin, and suggests what to write instead.
func checkOrigin(o string) error {
	if strings.Contains(o, "*") {
		return fmt.Errorf("--allowed-origins has %q; there are no wildcards: list each origin", o)
	}
	fixed := originIn(o)
	switch {
	case fixed != "" && fixed == o:
		return nil
	case fixed == "":
		return fmt.Errorf(
			"--allowed-origins has %q; it takes origins such as https://load.example.com, as a browser sends them: "+
				"scheme http or https, a host, and a port unless it is the default",
			o,
		)
	}
	return fmt.Errorf("--allowed-origins has %q, which no browser sends: write %s "+
		"(lower case, no path, no slash at the end, no default port)", o, fixed)
}

// originIn returns the origin of a URL as a browser sends it; "" if there is none.
func originIn(s string) string {
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "://") && s != "null" {
		s = "https://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	u.Scheme = strings.ToLower(u.Scheme)
	host, err := hostOf(u)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + host
}

// hostOf returns host[:port] of a URL as browsers send it: in lower case, without the default port.
func hostOf(u *url.URL) (string, error) {
	defaults := map[string]string{"http": "80", "https": "443"}
	standard, ok := defaults[u.Scheme]
	if !ok {
		return "", fmt.Errorf("the scheme must be http or https")
	}
	host := strings.ToLower(u.Hostname()) // to browsers a trailing dot makes another origin
	if ip := net.ParseIP(host); ip != nil {
		if host = ip.String(); strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
	} else if !isName(strings.TrimSuffix(host, ".")) {
		return "", errors.New("it needs a host name or an IP address")
	}
	if port := u.Port(); port != "" && port != standard {
		host += ":" + port
	}
	return host, nil
}

// pathForm is the form of a path that every proxy and browser reads the same way, escaped or not.
var pathForm = regexp.MustCompile(`^[A-Za-z0-9._~/-]*$`)

// publicURL reads --public-url; nil if there is none. The path of what it returns ends in a slash.
func publicURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, nil //nolint:nilnil // no public address is a fact, not an error
	}
	refuse := func(why string) error {
		return fmt.Errorf(
			"--public-url is %q; %s: write the address that users type, such as https://load.example.com/swarmcall/",
			s,
			why,
		)
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, refuse("it is not a URL")
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.HasSuffix(s, "#") {
		return nil, refuse("it must not have a user, a query or a fragment")
	}
	u.Scheme = strings.ToLower(u.Scheme)
	if u.Host, err = hostOf(u); err != nil {
		return nil, refuse(err.Error())
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	switch {
	case !pathForm.MatchString(u.Path) || u.RawPath != "" || (u.Path != "" && path.Clean(u.Path) != u.Path) ||
		u.Path == "/":
		return nil, refuse("its path must consist of letters, digits and . _ ~ -, without empty segments")
	case slices.Contains(ownPaths, first):
		return nil, refuse("a path of the server itself begins with /" + first + ", so the two would conflict")
	}
	u.Path += "/"
	return u, nil
}

// ownPaths are the first segments of the server's paths, including those of later versions.
var ownPaths = []string{
	"ui",
	"commands",
	"drivers",
	"state",
	"livez",
	"readyz",
	"version",
	"openapi.yaml",
	"whoami",
	"limits",
	"audit",
	"nodes",
	"telemetry",
	"runs",
	"freeze",
	"restrictions",
	"guards",
	"policy",
	"metrics",
}

// trustedProxies reads --trusted-proxies.
func trustedProxies(list []string) (out []netip.Prefix, err error) {
	var errs []error
	for _, s := range list {
		p, err := prefixOf(strings.TrimSpace(s))
		switch {
		case err != nil:
			errs = append(errs, fmt.Errorf("--trusted-proxies has %q; "+
				"it takes addresses and ranges such as 10.0.0.7 or 10.0.0.0/8, not names", s))
		case p.Bits() == 0:
			errs = append(errs, fmt.Errorf("--trusted-proxies has %q, "+
				"which matches every client, so any client could forge the headers; list the proxies", s))
		default:
			out = append(out, p)
		}
	}
	return out, errors.Join(errs...)
}

func prefixOf(s string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(s); err == nil {
		ip = ip.Unmap().WithZone("")
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, err
	}
	return p.Masked(), nil
}
