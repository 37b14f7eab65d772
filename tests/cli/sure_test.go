package cli

import (
	"strings"
	"testing"
)

// TestTenTimesTheLoadIsConfirmed: a terminal asks first, for players on each driver and in total; no, and Enter alone,
// send nothing.
func TestTenTimesTheLoadIsConfirmed(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2")
	swarmcall(t, s.url(), "players", "set", "20").code(0)
	for _, tc := range []struct {
		args, keys, asks string
		code             int
	}{
		{"201", "n\r", "201 players per driver is more than ten times the present load (20). Send it? [y/N]", 2},
		{"201", "\r", "Send it? [y/N]", 2},
		{"401 --total", "n\r", "401 players in total is more than ten times the present load (40). Send it?", 2},
		{"201 --driver d-1", "\x03", "Send it? [y/N]", 130},
	} {
		x := onTerminal(t, s.url(), append([]string{"players", "set"}, strings.Fields(tc.args)...)...)
		x.shows(tc.asks)
		x.types(tc.keys)
		x.code(tc.code)
		x.shows("nothing was sent")
	}
	if got := drivers["d-1"].commands(); len(got) != 1 {
		t.Errorf("it was sent: %q", got)
	}
	x := onTerminal(t, s.url(), "players", "set", "201")
	x.shows("[y/N]")
	x.types("y\r")
	x.code(0)
	onTerminal(t, s.url(), "players", "set", "2011", "--yes").code(0)
	onTerminal(t, s.url(), "players", "set", "20111").shows("[y/N]")
	onTerminal(t, s.url(), "players", "set", "20111", "--dry-run").code(0)
}
