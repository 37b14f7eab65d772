package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// TestEventText: the text for each record, including records of a newer server.
func TestEventText(t *testing.T) {
	for _, tc := range []struct{ name, data, want string }{
		{"issued", `{"seq": 7, "submitter": "ci/x", "command": {"type": "stop"},
			"counts": {"targeted": 3, "left_out": 2},
			"left_out": [{"driver_id": "a", "reason": "stale"}, {"driver_id": "b", "reason": "stale"}]}`,
			"ci/x: stop to 3 drivers, 2 left out (stale) (entry 7)"},
		{"closed", `{"seq": 7, "submitter": "ci/x", "status": "complete",
			"command": {"type": "set_players", "players": 5},
			"counts": {"targeted": 3, "acked": 3, "left_out": 1},
			"left_out": [{"driver_id": "a", "reason": "stale"}]}`,
			"ci/x: set_players 5: complete, 3 of 4 acked, 1 left out (stale) (entry 7)"},
		{"expired", `{"seq": 9, "replaced": 7, "target": {"labels": {"zone": "eu"}}, "cause": "no driver for 1h0m0s",
			"at": "2026-11-24T12:00:00.000Z"}`,
			"entry 7 no longer holds for zone=eu: no driver for 1h0m0s; drivers that reconnect are stopped"},
		{"expired", `{"seq": 9, "replaced": 7}`,
			"entry 7 no longer holds for all drivers: no known driver matches it; drivers that reconnect are stopped"},
	} {
		e := remote.Event{ID: "9", Name: tc.name, Data: tc.data}
		if got := eventText(e); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
	for format, shown := range map[string]bool{"auto": false, "table": false, "name": false, "jsonl": true,
		"json": true} {
		c := commandsWatchCmd{output: output{Output: format}}
		if got := c.shows(remote.Event{Name: "moonrise"}); got != shown || !c.shows(remote.Event{Name: "expired"}) {
			t.Errorf("-o %s shows an event of a newer server: %v", format, got)
		}
	}
	if got := eventTime(remote.Event{Name: "expired", Data: `{"at": "2026-11-24T12:00:00.000Z"}`}); !strings.HasPrefix(
		got,
		"2026-11-2",
	) {
		t.Error(got)
	}
}

// TestEntriesShowWhoWasLeftOut: in a list and in a single entry.
func TestEntriesShowWhoWasLeftOut(t *testing.T) {
	var e remote.Entry
	if err := json.Unmarshal([]byte(`{"seq": 7, "command": {"type": "stop"},
		"counts": {"targeted": 3, "acked": 3, "left_out": 2},
		"left_out": [{"driver_id": "a", "reason": "stale"},
			{"driver_id": "b", "reason": "other_run"}]}`), &e); err != nil {
		t.Fatal(err)
	}
	cells := entryCells(e)
	if len(cells) != len(entryColumns) || cells[len(cells)-2] != "1" || cells[len(cells)-1] != "all" {
		t.Errorf("%q", cells)
	}
	rows := verdictRows(e).Cells
	if len(rows) != 2 || strings.Join(rows[0], " ") != "a left out  stale" ||
		strings.Join(rows[1], " ") != "b left out  other_run" {
		t.Errorf("%q", rows)
	}
}
