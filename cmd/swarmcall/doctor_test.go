package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// examined runs doctor against a server that lists these nodes, or none if nodes is empty.
func examined(t *testing.T, nodes string) (code clierr.Code, out string) {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := map[string]string{
			"/version":  `{"version": "v1", "go_version": "go1"}`,
			"/readyz":   `{"status": "ok", "checks": [{"name": "log", "ok": true}]}`,
			"/drivers":  `{"items": [], "counts": {"active": 2}, "next_cursor": null}`,
			"/commands": `{"items": [], "next_cursor": null}`,
			"/nodes":    nodes,
		}[r.URL.Path]
		if answer == "" {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusNotFound)
			answer = `{"type": "urn:swarmcall:problem:not_found", "code": "not_found", "title": "Not found", "status": 404}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	code, out, _ = call(t, "doctor", "--url", s.URL, "--retry-for", "0")
	return code, out
}

func TestDoctorOfNodes(t *testing.T) {
	const good = `{"name": "a", "version": "v1", "self": true, "alive": true, "drivers": 3, "lag": 0,
		"roster_age_ms": 0, "lease_left_ms": 9000}`
	other := func(change string) string {
		return `{"items": [` + good + `, {"name": "b", "version": "v1", "alive": true, "roster_age_ms": 900,
			"lease_left_ms": 9000` + change + `}], "next_cursor": null}`
	}
	for name, tc := range map[string]struct {
		nodes string
		code  clierr.Code
		want  string // a line; "" for none about nodes
	}{
		"an older server":   {"", clierr.OK, ""},
		"an embedded log":   {`{"items": [{"name": "local", "self": true, "alive": true}]}`, clierr.OK, ""},
		"two":               {other(""), clierr.OK, "nodes\tok\t2 alive of 2"},
		"one was stopped":   {other(`, "alive": false, "draining": true`), clierr.OK, "nodes\tok\t1 alive of 2"},
		"one is lost":       {other(`, "alive": false`), clierr.OK, "nodes\twarning\tb is lost"},
		"one is silent":     {other(`, "roster_age_ms": 3500`), clierr.Unreachable, "nodes\tBAD\tb is silent: it has not"},
		"one is behind":     {other(`, "lag": 5000`), clierr.OK, "nodes\twarning\tb is 5000 records behind"},
		"different version": {other(`, "version": "v0"`), clierr.OK, "different versions: a: v1; b: v0"},
	} {
		code, out := examined(t, tc.nodes)
		lines := strings.Count(out, "nodes\t")
		if code != tc.code || !strings.Contains(out, tc.want) || (lines > 0) != (tc.want != "") {
			t.Errorf("%s: code %d, want %d with %q\n%s", name, code, tc.code, tc.want, out)
		}
	}
}
