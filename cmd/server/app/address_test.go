package app

import (
	"strings"
	"testing"
)

// TestNamesThatCanNeverMatch: they are refused at the start, with a suggestion; otherwise a refused driver would be the
// first sign of the error. An empty fix means that there is no suggestion.
func TestNamesThatCanNeverMatch(t *testing.T) {
	for pattern, fix := range map[string]string{
		"https://load.example.com": "write load.example.com", "load.example.com:8080": "write load.example.com",
		"load.example.com/":          "write load.example.com",
		"load.example.com/swarmcall": "write load.example.com", " load.example.com": "write load.example.com",
		"wss://load.example.com:1/x": "write load.example.com",
		"*":                          "no wildcards", "*.example.com": "no wildcards", ".example.com": "no wildcards",
		"load.*":    "no wildcards",
		"192.0.2.7": "remove it", "[::1]": "remove it", "::1": "remove it",
		"": "such as", " ": "such as", "a b": "such as", "b\u00fccher.example": "xn--", "a..b": "such as",
		"-a": "such as", ".": "no wildcards", strings.Repeat("a", 254): "such as",
		"user@load.example.com": "write load.example.com",
	} {
		refused(t, "--allowed-hosts", pattern, fix, func(c *Config) { c.AllowedHosts = []string{pattern} })
	}
	for _, good := range []string{"load.example.com", "LOAD.Example.com", "load.example.com.", "swarmcall",
		"my_service", "localhost", "a-b.c1"} {
		accepted(t, good, func(c *Config) { c.AllowedHosts = []string{good} })
	}
}

// TestOriginsThatCanNeverMatch: no browser sends these.
func TestOriginsThatCanNeverMatch(t *testing.T) {
	for pattern, fix := range map[string]string{
		"load.example.com":                    "write https://load.example.com ",
		"https://load.example.com/":           "write https://load.example.com ",
		"https://load.example.com/swarmcall/": "write https://load.example.com ",
		"HTTPS://Load.Example.com":            "write https://load.example.com ",
		"https://load.example.com:443":        "write https://load.example.com ",
		"http://load.example.com:80":          "write http://load.example.com ",
		" https://load.example.com":           "write https://load.example.com ",
		"https://u:p@load.example.com":        "write https://load.example.com ",
		"load.example.com:3000":               "write https://load.example.com:3000 ",
		"https://load.example.com?":           "write https://load.example.com ",
		"*":                                   "no wildcards", "https://*.example.com": "no wildcards",
		"null": "it takes", "": "it takes",
		"ftp://a.example": "it takes",
		"https://":        "it takes", "https://a b": "it takes", "https://[0:0:0:0:0:0:0:1]": "write https://[::1] ",
	} {
		refused(t, "--allowed-origins", pattern, fix, func(c *Config) { c.AllowedOrigins = []string{pattern} })
	}
	for _, good := range []string{"https://load.example.com", "http://localhost:3000", "http://127.0.0.1:3000",
		"http://[::1]:3000", "https://load.example.com:80"} {
		accepted(t, good, func(c *Config) { c.AllowedOrigins = []string{good} })
	}
}

// TestPublicURLs: addresses that cannot work are refused at the start.
func TestPublicURLs(t *testing.T) {
	for public, why := range map[string]string{
		"load.example.com": "the scheme", "load.example.com:8080": "the scheme",
		"ws://load.example.com/": "the scheme", "https://": "a host name",
		"https:///x": "a host name", "https://u:p@load.example.com/": "a user",
		"https://load.example.com/?": "a query", "https://load.example.com/?a=b": "a query",
		"https://load.example.com/#": "a fragment", "https://load.example.com/#a": "a fragment",
		"https://*.example.com/":         "a host name",
		"https://load.example.com/a//b/": "its path", "https://load.example.com/../": "its path",
		"https://load.example.com/a b/": "its path",
		"https://load.example.com/%41/": "its path", "https://load.example.com//": "its path",
		"https://load.example.com/commands/": "begins with /commands",
		"https://load.example.com/ui":        "begins with /ui",
		"https://load.example.com/runs/x/":   "begins with /runs",
		" ":                                  "the scheme", "https://load.example.com:x/": "not a URL",
	} {
		refused(t, "--public-url", public, why, func(c *Config) { c.PublicURL = public })
	}
	for public, want := range map[string]string{
		"https://load.example.com":           "https://load.example.com/",
		"https://load.example.com/swarmcall": "https://load.example.com/swarmcall/",
		"HTTPS://Load.Example.com:443/a/b/":  "https://load.example.com/a/b/",
		"http://127.0.0.1:9000/":             "http://127.0.0.1:9000/", "http://[::1]:9000": "http://[::1]:9000/",
	} {
		accepted(t, public, func(c *Config) { c.PublicURL = public })
		if u, err := publicURL(public); err != nil || u.String() != want {
			t.Errorf("%s is %v, want %s; %v", public, u, want, err)
		}
	}
}

// TestTrustedProxies: they must be addresses, because a name could be made to resolve to anything.
func TestTrustedProxies(t *testing.T) {
	for list, why := range map[string]string{
		"proxy.lan": "not names", "": "not names", "10.0.0.0/33": "not names", "10.0.0.1:80": "not names",
		"0.0.0.0/0": "every client", "::/0": "every client", "*": "not names",
	} {
		refused(t, "--trusted-proxies", list, why, func(c *Config) { c.TrustedProxies = []string{list} })
	}
	for _, good := range []string{"10.0.0.7", "10.0.0.7/8", "fd00::1", "fd00::/8", " 10.0.0.7", "::ffff:10.0.0.7"} {
		accepted(t, good, func(c *Config) { c.TrustedProxies = []string{good} })
	}
}

func refused(t *testing.T, flag, value, why string, set func(*Config)) {
	t.Helper()
	cfg := Defaults()
	set(&cfg)
	err := cfg.Validate()
	if err == nil || !strings.Contains(err.Error()+" ", why) || !strings.Contains(err.Error(), flag) {
		t.Errorf("%s %q: want %q in: %v", flag, value, why, err)
	}
}

func accepted(t *testing.T, value string, set func(*Config)) {
	t.Helper()
	cfg := Defaults()
	set(&cfg)
	if err := cfg.Validate(); err != nil {
		t.Errorf("%q: %v", value, err)
	}
}
