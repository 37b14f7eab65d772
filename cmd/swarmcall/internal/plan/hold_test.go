package plan

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// later runs do after d of the bubble's fake time.
func later(t *testing.T, d time.Duration, do func()) {
	timer := time.AfterFunc(d, do)
	t.Cleanup(func() { timer.Stop() })
}

func says(t *testing.T, said string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(said, part) {
			t.Errorf("no %q in\n%s", part, said)
		}
	}
}

// TestAnUnavailableServerInAHold: an unavailable server does not end the run, and the time without it does not count as
// on target.
func TestAnUnavailableServerInAHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		later(t, 5*time.Second, func() { s.away(true) })
		later(t, 15*time.Second, func() { s.away(false) })
		said, err := s.run("rejoin: 2s\nstages: [{set: {players: 10}}, {hold: 30s}]")
		if err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		says(t, said, " of 30 s; 20 of 20 players run, on 2 drivers")
		var on int
		if _, text, found := strings.Cut(said, "on target for "); found {
			_, _ = fmt.Sscanf(text, "%d of 30 s", &on)
		}
		if on < 17 || on > 22 { // it was unavailable for 10 s, and is asked once a second
			t.Errorf("on target for %d s\n%s", on, said)
		}
	})
}

func TestShare(t *testing.T) {
	for want, of := range map[string][2]time.Duration{
		"11 of 25 s": {11100 * time.Millisecond, 25 * time.Second}, "0.3 of 0.5 s": {300 * time.Millisecond,
			500 * time.Millisecond},
	} {
		if got := share(of[0], of[1]); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestAnUnavailableServerIsAskedOnlyByLooks: each failed request prints a line on the terminal.
func TestAnUnavailableServerIsAskedOnlyByLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		later(t, 5*time.Second, func() { s.away(true) })
		later(t, 7*time.Second, func() {
			before := s.asked()
			later(t, 13*time.Second, func() {
				if n := s.asked() - before; n > 0 {
					t.Errorf("%d questions while the server is away", n)
				}
				s.away(false)
			})
		})
		if said, err := s.run("stages: [{set: {players: 10}}, {hold: 30s}]"); err != nil {
			t.Errorf("%v\n%s", err, said)
		}
	})
}

// TestAQuickRamp: looks at the drivers do not slow down a ramp.
func TestAQuickRamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		if said, err := s.run("stages: [{ramp: {from: 1, to: 200, step: 1, every: 10ms}}]"); err != nil {
			t.Errorf("%v\n%s", err, said)
		}
		if s.looks > 5 {
			t.Errorf("%d looks in 2 s", s.looks)
		}
	})
}
