package httpapi

import (
	"net"
	"strings"
)

// hostName returns the name of a Host header in the form used for comparison: without port, brackets and the dot of a
// fully qualified name, in lower case.
func hostName(hostport string) string {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if inner, ok := strings.CutPrefix(host, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok {
			return inner
		}
	}
	return host
}

// sameHost compares two values of host[:port]. Browsers omit the default port of a scheme, programs may include it.
func sameHost(scheme, a, b string) bool {
	return withPort(scheme, a) == withPort(scheme, b)
}

func withPort(scheme, hostport string) string {
	if _, port, err := net.SplitHostPort(hostport); err == nil && port != "" {
		return net.JoinHostPort(hostName(hostport), port)
	}
	port := "80"
	if scheme == "https" {
		port = "443"
	}
	return net.JoinHostPort(hostName(hostport), port)
}
