package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
)

// TestDryStop: who is away is a target only when nobody is there, and then however many are asked for, as on the server.
func TestDryStop(t *testing.T) {
	const away = `{"driver_id": "d-2", "state": "stale"}, {"driver_id": "d-3", "state": "disconnected"}`
	const loaded = `{"items": [], "desired": [{"seq": 2, "command": {"type": "set_players", "players": 5}, "target": {"labels": {"region": "eu"}}}]}`
	for _, tc := range []struct {
		args, drivers, state string
		code                 clierr.Code
		names                string
	}{
		{"stop", `{"driver_id": "d-1", "state": "active"}, ` + away, `{}`, clierr.OK, "d-1"},
		{"stop", away, `{}`, clierr.OK, "d-2 d-3"},
		{"stop --min-drivers 4 --driver d-3", away, `{}`, clierr.OK, "d-3"},
		{"players set 5", away, `{}`, clierr.TooFew, ""},
		{"stop", "", `{"items": []}`, clierr.TooFew, ""},
		{"stop --label region=eu", "", loaded, clierr.OK, ""},
		{"stop --label region=us", "", loaded, clierr.TooFew, ""},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := tc.state
			if r.URL.Path == "/drivers" {
				answer = `{"items": [` + tc.drivers + `], "next_cursor": null}`
			}
			_, _ = io.WriteString(w, answer)
		}))
		code, out, errs := call(t, append(strings.Fields(tc.args), "--dry-run", "-o", "name", "--url", s.URL)...)
		s.Close()
		if got := strings.Join(strings.Fields(out), " "); code != tc.code || got != tc.names {
			t.Errorf("%s: code %d, %q, %s", tc.args, code, got, errs)
		}
	}
}
