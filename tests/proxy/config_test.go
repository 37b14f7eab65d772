package proxy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// configuration returns a configuration that docs/howto/proxy.md prints: the test runs what people copy.
func configuration(t *testing.T, program, kind string) string {
	t.Helper()
	doc, err := os.ReadFile(filepath.Join("..", "..", "docs", "howto", "proxy.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(doc), "```"+program+" "+kind+"\n")
	text, _, closed := strings.Cut(rest, "```\n")
	if !found || !closed {
		t.Fatalf("docs/howto/proxy.md prints no %s configuration %q", program, kind)
	}
	return text
}

// replaced replaces parts of a text, and fails if a part is not in it: then the document has changed.
func replaced(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i+1 < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("the configuration has no %q:\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// variant is one way to set a proxy up: the changes to the document's configuration, and the server's flags.
type variant struct {
	name    string
	kind    string
	path    string              // of the public URL
	trusted bool                // the server has --trusted-proxies
	edits   map[string][]string // by program: what is replaced
}

// keptPath are the edits that do not change the path. upstreamHost and inventedHost are those that send another Host.
var (
	keptPath = map[string][]string{
		"nginx":   {"127.0.0.1:8080/;", "127.0.0.1:8080;"},
		"haproxy": {"    http-request replace-path /swarmcall/?(.*) /\\1\n", ""},
		"caddy":   {"handle_path", "handle"},
	}
	upstreamHost = map[string][]string{
		"nginx":   {"            proxy_set_header Host $http_host;\n", ""},
		"haproxy": {"    server one", "    http-request set-header Host 127.0.0.1:8080\n    server one"},
		"caddy":   {"header_up -Forwarded", "header_up -Forwarded\n        header_up Host {upstream_hostport}"},
	}
	inventedHost = map[string][]string{
		"nginx":   {"proxy_set_header Host $http_host;", "proxy_set_header Host upstream.internal;"},
		"haproxy": {"    server one", "    http-request set-header Host upstream.internal\n    server one"},
		"caddy":   {"header_up -Forwarded", "header_up -Forwarded\n        header_up Host upstream.internal"},
	}
)

func variants() []variant {
	return []variant{
		{name: "own name", kind: "own-name", path: "/", trusted: true},
		{name: "path cut off", kind: "path", path: "/swarmcall/", trusted: true},
		{name: "path kept", kind: "path", path: "/swarmcall/", edits: keptPath},
		{name: "Host of the upstream", kind: "own-name", path: "/", edits: upstreamHost},
		{name: "Host of the upstream, path cut off", kind: "path", path: "/swarmcall/", edits: upstreamHost},
		{name: "Host invented", kind: "path", path: "/swarmcall/", trusted: true, edits: inventedHost},
	}
}
