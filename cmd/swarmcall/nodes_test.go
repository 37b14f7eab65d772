package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// TestNodes: the table shows each node's state, and stderr names what deserves attention.
func TestNodes(t *testing.T) {
	started := time.Now().Add(-90 * time.Minute).UTC().Format(time.RFC3339)
	node := func(name, more string) string {
		return fmt.Sprintf(`{"name": %q, "instance": "i", "version": "v2", "started_at": %q, %s}`, name, started, more)
	}
	pages := map[string]string{
		"": `{"items": [` + node("a", `"self": true, "alive": true, "drivers": 12, "lease_left_ms": 4200`) + `,` +
			node("b", `"alive": true, "drivers": 7, "roster_age_ms": 5100, "lease_left_ms": 400`) +
			`], "next_cursor": "more"}`,
		"more": `{"items": [` + node("c", `"alive": true, "draining": true, "lag": 2500, "lease_left_ms": 3000`) + `,` +
			node("d", `"drivers": 3, "roster_age_ms": 8000, "lease_left_ms": 0`) + `], "next_cursor": null}`,
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, pages[r.URL.Query().Get("cursor")])
	}))
	defer s.Close()
	code, out, errs := call(t, "nodes", "--url", s.URL)
	var got []string
	for line := range strings.Lines(out) {
		cells := strings.Split(strings.TrimSpace(line), "\t")
		if up := cells[len(cells)-1]; up != "-" && !strings.HasPrefix(up, "1h30m") {
			t.Errorf("up %s", up)
		}
		got = append(got, strings.Join(cells[:len(cells)-1], " "))
	}
	const want = "a alive (this) 12 0 4.2s - v2, b alive 7 0 400ms 5.1s v2, c draining 0 2500 3s 0s v2, " +
		"d lost 3 0 0s 8s v2"
	if line := strings.Join(got, ", "); code != clierr.OK || line != want {
		t.Errorf("code %d\n%s\nwant\n%s", code, line, want)
	}
	for _, part := range []string{"2 alive, 1 draining, 1 lost", "b: silent: it described its drivers 5s ago",
		"c: 2500 records behind"} {
		if !strings.Contains(errs, part) {
			t.Errorf("no %q in\n%s", part, errs)
		}
	}
	if _, names, _ := call(t, "nodes", "--url", s.URL, "-o", "name"); names != "a\nb\nc\nd\n" {
		t.Errorf("names %q", names)
	}
}

// TestNodesOfAnOlderServer: it does not have the route, and the error says so.
func TestNodesOfAnOlderServer(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = io.WriteString(w, `{"type": "urn:swarmcall:problem:not_found", "status": 404, "code": "not_found",
			"detail": "there is no such path"}`)
	}))
	defer s.Close()
	code, out, errs := call(t, "nodes", "--url", s.URL, "--retry-for", "0")
	if code != clierr.Failed || out != "" || !strings.Contains(errs, "the server is older than this swarmcall") {
		t.Errorf("code %d, %q\n%s", code, out, errs)
	}
}
