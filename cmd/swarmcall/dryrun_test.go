package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// TestDryRun: the targets, the left-out drivers and every refusal come from the server.
func TestDryRun(t *testing.T) {
	const (
		two = `"targets": ["d-1", "d-2"], "left_out": [{"driver_id": "d-3", "reason": "stale"}, {"driver_id": "d-4",
			"reason": "other_run"}], "restrictions": []`
		nobody = `"targets": [], "left_out": [], "restrictions": [], "in_use": {"labels": {"zone": ["eu-west"]},
			"driver_ids": []}`
		refusal = `{"status": 409, "code": "no_active_drivers", "detail": "none"`
	)
	for _, tc := range []struct {
		args, answer string
		status       int
		code         clierr.Code
		names        string
		says         []string
	}{
		{"players set 5", `{"command": {"type": "set_players", "players": 5}, ` + two + `}`, 200, clierr.OK, "d-1 d-2",
			[]string{"would go to 2 drivers, 1 left out (stale), and would leave 1 under a newer command by " +
				"another submitter; " +
				"nothing was sent"}},
		{"players set 9 --total",
			`{"command": {"type": "set_players", "players_total": 9}, ` + two + `, "shortfall": 2}`,
			200, clierr.OK, "d-1 d-2",
			[]string{"no driver can run 2 of the players"}},
		{"stop --label zone=eu", `{"command": {"type": "stop"}, ` + nobody + `, "awaited": false}`,
			200, clierr.TooFew, "",
			[]string{"in use: zone: eu-west", "spelling"}},
		{"stop --label zone=eu", `{"command": {"type": "stop"}, ` + nobody + `, "awaited": true}`, 200, clierr.OK, "",
			[]string{"would stop drivers that reconnect"}},
		{"stop", refusal + `, "nothing_to_stop": true}`, 409, clierr.OK, "", []string{"nothing to stop"}},
		{"stop --label zone=eu", refusal + `, "nothing_to_stop": false, "in_use": {"labels": {"zone": ["us"]},
			"driver_ids": []}}`, 409, clierr.TooFew, "",
			[]string{"in use: zone: eu-west, us"}},
		{"players set 5", refusal + `}`, 409, clierr.TooFew, "", []string{"swarmcall wait drivers"}},
		{"players set 5 --if-seq 2", `{"status": 412, "code": "newer_command", "seq": 9}`,
			412, clierr.Superseded, "", nil},
		{"stop", `{"status": 422, "code": "invalid_command", "errors": [{"pointer": "/dry_run",
			"detail": "is not a member of this object"}]}`, 422, clierr.Usage, "",
			[]string{"the server is older than this swarmcall and does not support dry runs"}},
	} {
		var asked string
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			if r.Method == http.MethodGet { // the request for the values in use
				_, _ = io.WriteString(w, `{"items": [{"driver_id": "d-1", "labels": {"zone": "eu-west"}},
					{"driver_id": "d-2", "labels": {"zone": "us"}}], "counts": {}, "next_cursor": null}`)
				return
			}
			asked = r.Method + " " + r.URL.Path + " " + string(body)
			answer := tc.answer
			if tc.status >= http.StatusBadRequest {
				answer = `{"type": "urn:swarmcall:problem:x", ` + answer[1:]
				w.Header().Set("Content-Type", "application/problem+json")
			}
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, answer)
		}))
		code, out, errs := call(t, append(strings.Fields(tc.args), "--dry-run", "-o", "name", "--url", s.URL)...)
		s.Close()
		if got := strings.Join(strings.Fields(out), " "); code != tc.code || got != tc.names {
			t.Errorf("%s: code %d, %q, %s", tc.args, code, got, errs)
		}
		for _, want := range tc.says {
			if !strings.Contains(errs, want) {
				t.Errorf("%s: no %q in\n%s", tc.args, want, errs)
			}
		}
		if !strings.HasPrefix(asked, "POST /commands ") || !strings.Contains(asked, `"dry_run":true`) {
			t.Errorf("%s asked for %s", tc.args, asked)
		}
	}
}

// TestDryRunShowsEachDriver: with its part of a total, or why it is left out.
func TestDryRunShowsEachDriver(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(
			w,
			`{"command": {"type": "set_players", "players_total": 9}, "targets": ["d-1", "d-2"],
				"left_out": [{"driver_id": "d-3", "reason": "stale"}],
			"split": [{"driver_id": "d-1", "players": 5}, {"driver_id": "d-2", "players": 4}], "restrictions": []}`,
		)
	}))
	defer s.Close()
	_, out, _ := call(t, "players", "set", "9", "--total", "--dry-run", "--url", s.URL)
	if want := "d-1\ttarget\t5\t-\nd-2\ttarget\t4\t-\nd-3\tleft out\t-\tstale\n"; out != want {
		t.Errorf("%q, want %q", out, want)
	}
}
