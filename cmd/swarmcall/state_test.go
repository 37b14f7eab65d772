package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestState: the load of a stale driver is unknown, a driver may be outside a split, and rules come in pages.
func TestState(t *testing.T) {
	const rule = `{"seq": 7, "command": {"type": "set_players", "players_total": 9}, "target": {}, "matching": 3,
		"converged": 1, "outside_split": 2}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := `{"desired": [` + rule + `], "desired_next_cursor": "more", "counts": {"converged": 1, "drifting": 1,
			"unknown": 1}, "items": [
			{"driver_id": "a", "drift": "converged", "reported": {"players": 9}, "outside_split": true},
			{"driver_id": "b", "drift": "unknown", "reasons": ["stale"], "reported": {"players": 9}},
			{"driver_id": "c", "drift": "dreaming", "reasons": ["moonrise"], "reported": {"players": 8},
				"desired": [{"seq": 9, "command": {"type": "set_mood"}}]}]}`
		if r.URL.Query().Get("desired_cursor") == "more" {
			answer = `{"desired": [{"seq": 9, "command": {"type": "set_mood"}, "target": {}, "matching": 1,
				"mood": "blue"}], "items": []}`
		}
		_, _ = io.WriteString(w, answer)
	}))
	defer s.Close()
	code, out, errs := call(t, "state", "--url", s.URL)
	want := "a\tconverged\toutside the " +
		"split\t-\t9\t0ms\nb\tunknown\tstale\t-\t?\t?\nc\tdreaming\tmoonrise\tset_mood\t8\t0ms\n"
	if code != 0 || out != want {
		t.Errorf("code %d\n%s\nwant\n%s", code, out, want)
	}
	for _, part := range []string{"1 of 3 drivers report it, 2 outside the split", "desired: set_mood"} {
		if !strings.Contains(errs, part) {
			t.Errorf("no %q in\n%s", part, errs)
		}
	}
	_, doc, _ := call(t, "state", "--url", s.URL, "-o", "json")
	if !strings.Contains(doc, `"mood": "blue"`) || strings.Contains(doc, "desired_next_cursor") ||
		!strings.Contains(doc, `"outside_split": 2`) {
		t.Errorf("not all rules are in\n%s", doc)
	}
}
