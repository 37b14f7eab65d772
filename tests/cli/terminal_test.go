package cli

import (
	"strings"
	"testing"
)

// TestBarOnATerminal: the number of acks is shown while a command is open, and the whole result at the end.
func TestBarOnATerminal(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2", "d-3")
	drivers["d-3"].set("hold")
	x := onTerminal(t, s.url(), "players", "set", "5", "--deadline", "5s")
	open := x.shows("[", "acked 2/3", "waiting 1")
	x.code(3)
	done := x.shows("acked 2/3", "missing 1", "waiting 0", "d-3 missing: deadline")
	t.Logf("while it was open:\n%s\n\nat the end:\n%s", strings.TrimSpace(open), strings.TrimSpace(done))
	if !strings.Contains(done, "ENTRY") {
		t.Errorf("no table on a terminal:\n%s", done)
	}
	if raw := x.raw.String(); !strings.Contains(raw, "\x1b[32m█") {
		t.Errorf("no colour on a terminal:\n%q", raw)
	}
}

// TestPlayersOnATerminal: a ramp shows how many players run and how many are wanted.
func TestPlayersOnATerminal(t *testing.T) {
	s, _ := newWorld(t, "d-1", "d-2")
	x := onTerminal(t, s.url(), "ramp", "--from", "10", "--to", "20", "--step", "10", "--every", "1500ms")
	t.Logf("\n%s", strings.TrimSpace(x.shows("stage 1/1 [", "players 20/20")))
	x.code(0)
}

// TestNoDrawingWhereItIsUnwanted: no escape codes in a pipe or on a dumb terminal, no colour with NO_COLOR or
// --no-color.
func TestNoDrawingWhereItIsUnwanted(t *testing.T) {
	s, drivers := newWorld(t, "d-1")
	t.Run("in a pipe", func(t *testing.T) {
		p := swarmcall(t, s.url(), "players", "set", "5", "--wait", "converged")
		p.code(0)
		if strings.Contains(p.Out.String()+p.Err.String(), "\x1b") || strings.Contains(p.Err.String(), "\r") {
			t.Errorf("escape codes in a pipe:\n%q\n%q", p.Out, p.Err)
		}
	})
	t.Run("NO_COLOR", func(t *testing.T) {
		t.Setenv("NO_COLOR", "1")
		drivers["d-1"].set("hold") // until the bar is drawn
		x := onTerminal(t, s.url(), "players", "set", "6", "--deadline", "60s")
		x.shows("waiting 1")
		drivers["d-1"].set("")
		x.code(0)
		if raw := x.raw.String(); strings.Contains(raw, "\x1b[3") || !strings.Contains(raw, "\x1b[K") {
			t.Errorf("colour, or no bar:\n%q", raw)
		}
	})
	t.Run("--no-color", func(t *testing.T) {
		x := onTerminal(t, s.url(), "players", "set", "6", "--no-color")
		x.code(0)
		if raw := x.raw.String(); strings.Contains(raw, "\x1b[3") {
			t.Errorf("colour:\n%q", raw)
		}
	})
	t.Run("TERM=dumb", func(t *testing.T) {
		t.Setenv("TERM", "dumb")
		x := onTerminal(t, s.url(), "players", "set", "7")
		x.code(0)
		if raw := x.raw.String(); strings.Contains(raw, "\x1b") {
			t.Errorf("escape codes on a dumb terminal:\n%q", raw)
		}
		w := onTerminal(t, s.url(), "watch")
		w.shows("watching http")
		swarmcall(t, s.url(), "players", "set", "8").code(0)
		w.shows("set_players 8: complete")
		w.types("\x03")
		w.code(0)
	})
}

// TestStopAsksOnATerminal: no exits with 2 and sends nothing; Enter means yes; Ctrl-C exits with 130.
func TestStopAsksOnATerminal(t *testing.T) {
	s, drivers := newWorld(t, "d-1")
	for keys, code := range map[string]int{"n\r": 2, "\x03": 130} {
		x := onTerminal(t, s.url(), "stop")
		x.shows("Stop the load on all targeted drivers? [Y/n]")
		x.types(keys)
		x.code(code)
		x.shows("nothing was sent")
	}
	if got := drivers["d-1"].commands(); len(got) > 0 {
		t.Errorf("it was sent: %q", got)
	}
	x := onTerminal(t, s.url(), "stop")
	x.shows("[Y/n]")
	x.types("\r")
	x.code(0)
	onTerminal(t, s.url(), "stop", "--yes").code(0)
}

// TestWatchOnATerminal uses the full-screen view with its keys.
func TestWatchOnATerminal(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "e-2")
	swarmcall(t, s.url(), "players", "set", "5", "--submitter", "ci/nightly").code(0)
	drivers["e-2"].set("hold")
	swarmcall(t, s.url(), "players", "set", "6", "--deadline", "3s").code(3)
	drivers["e-2"].set("")
	x := onTerminal(t, s.url(), "watch")
	t.Logf("\n%s", strings.TrimRight(x.shows("● live", "players ", "2 active", "d-1", "e-2", "set_players 5",
		"ci/nightly", "2/2", "1/2, 1 missing", "s stop"), " \n"))
	x.types("/")
	x.shows("filter:", "Esc clears it")
	x.types("e-2\r")
	if after := x.shows("s stop", "filter: e-2"); strings.Contains(after, "d-1 ") ||
		strings.Contains(after, "ci/nightly") {
		t.Errorf("the filter lets through:\n%s", after)
	}
	x.types("/")
	x.shows("Esc clears it")
	x.types("\x1b")
	x.shows("s stop", "d-1")
	x.types("p")
	x.shows("‖ paused, as of")
	x.types("p")
	x.shows("● live")
	x.types("s")
	x.shows("Stop the load on all 2 drivers?")
	x.types("n")
	x.shows("not stopped")
	x.types("s")
	x.shows("y or Enter")
	x.types("y")
	t.Logf("\n%s", strings.TrimRight(x.shows("stop: complete, 2 of 2 acked"), " \n"))
	if !drivers["d-1"].until("stop") {
		t.Error("d-1 is not stopped")
	}
	x.types("q")
	x.code(0)
	if !strings.Contains(x.raw.String(), "\x1b[?1049l") {
		t.Error("the screen is not given back")
	}
}

// TestWatchAPartOnATerminal: the view, its counts and its stop are only for drivers with a label, and ? explains the
// keys.
func TestWatchAPartOnATerminal(t *testing.T) {
	s, drivers := teams(t)
	swarmcall(t, s.url(), "players", "set", "5").code(0)
	swarmcall(t, s.url(), "players", "set", "6", "--label", "region=eu", "--submitter", "qa").code(0)
	swarmcall(t, s.url(), "players", "set", "7", "--label", "team=b", "--submitter", "qa").code(0)
	swarmcall(t, s.url(), "players", "set", "8", "--label", "team=a", "--dry-run").code(6)
	x := onTerminal(t, s.url(), "watch", "--label", "team=b")
	// The acks of each command, and then its target.
	if seen := x.shows("● live", "only team=b", "2 active", "b-1", "both", "set_players 7", " 2/2  team=b",
		"set_players 6", " 3/3  region=eu"); strings.Contains(seen, "e-1") {
		t.Errorf("drivers of others:\n%s", seen)
	}
	x.types("?")
	x.shows("pause: freeze the display", "The target is shown unless it is all drivers", "Press any key to go back")
	x.types("x")
	x.shows("● live", "? help")
	x.types("s")
	x.shows("Stop the load on the 2 drivers of team=b?")
	x.types("y")
	x.shows("stop: complete, 2 of 2 acked")
	last(t, drivers["b-1"], "stop")
	last(t, drivers["e-1"], "players 6")
	x.types("q")
	x.code(0)
}

// TestTheKeyOnATerminal: the idempotency key is shown only when a command failed, and with --debug.
func TestTheKeyOnATerminal(t *testing.T) {
	s, drivers := newWorld(t, "d-1")
	x := onTerminal(t, s.url(), "players", "set", "5")
	x.code(0)
	if seen := x.shows("complete, 1 of 1 acked"); strings.Contains(seen, "idempotency key") {
		t.Errorf("a command that went well:\n%s", seen)
	}
	x = onTerminal(t, s.url(), "players", "set", "5", "--debug")
	x.code(0)
	x.shows("idempotency key cli-")
	drivers["d-1"].set("hold")
	x = onTerminal(t, s.url(), "players", "set", "6", "--deadline", "50ms")
	x.code(3)
	x.shows("idempotency key cli-", "d-1 missing: deadline")
}
