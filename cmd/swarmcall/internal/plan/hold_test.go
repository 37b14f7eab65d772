package plan

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/command"
)

// later does something at a time of the bubble.
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

// TestAHoldWatchesItsDrivers: three of six hang in a hold. Their players are not counted, the run says how long the
// load was on target, and does what the plan says.
func TestAHoldWatchesItsDrivers(t *testing.T) {
	const plan = "rejoin: 5s\nstages: [{set: {players: 10}}, {hold: 25s}]\n"
	silent := []string{"d-04", "d-05", "d-06"}
	for name, tc := range map[string]struct {
		more  string
		back  time.Duration // when they are heard again; 0: never
		code  clierr.Code
		at    time.Duration // when the run ends
		says  []string
		never string
	}{
		"abort": {"", 0, clierr.Missing, 16 * time.Second, []string{
			"30 of 60 players run, 3 drivers unknown", "on target for 10 of 1",
			"3 of 6 drivers are missing: nothing is known of d-04, d-05, d-06",
			"THE LOAD MAY STILL BE ON: d-04 (stale, last seen with 10 players)"}, ""},
		"abort, though they are back in time": {"", 14 * time.Second, clierr.OK, 25 * time.Second, []string{
			"on target for 21 of 25 s; 60 of 60 players run, on 6 drivers"}, "missing"},
		"continue": {"on_missing: continue\n", 0, clierr.Missing, 25 * time.Second, []string{
			"going on without d-04, d-05, d-06", "on target for 10 of 25 s; 30 of 60 players run, 3 drivers unknown"}, ""},
		"retry": {"on_missing: retry\nretries: 1\n", 0, clierr.Missing, 21 * time.Second, []string{
			"waiting for d-04, d-05, d-06 to come back, at most 5s more"}, ""},
		"retry, and they come back": {"on_missing: retry\nretries: 1\n", 18 * time.Second, clierr.OK, 25 * time.Second,
			[]string{
				"waiting for d-04, d-05, d-06", "60 of 60 players run"}, "STILL BE ON"},
		"so many may be missing": {"allow_missing: 50%\n", 0, clierr.OK, 30 * time.Second, []string{
			"nothing is known of d-04, d-05, d-06; so many may be missing"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSwarm(t, 6)
				later(t, 10*time.Second, func() { s.set("stale", silent...) })
				if tc.back > 0 {
					later(t, tc.back, func() { s.set("active", silent...) })
				}
				began := time.Now()
				said, err := s.run(tc.more + plan)
				took := time.Since(began)
				if err != nil {
					said += clierr.Text(err)
				}
				if clierr.CodeOf(err) != tc.code {
					t.Errorf("code %d, want %d\n%s", clierr.CodeOf(err), tc.code, said)
				}
				if took < tc.at-time.Second || took > tc.at+2*time.Second {
					t.Errorf("it took %v, want %v\n%s", took, tc.at, said)
				}
				says(t, said, tc.says...)
				if tc.never != "" && strings.Contains(said, tc.never) {
					t.Errorf("it says %q:\n%s", tc.never, said)
				}
				if n := strings.Count(said, "going on without"); n > 1 {
					t.Errorf("it says so %d times:\n%s", n, said)
				}
				shown := slices.ContainsFunc(s.steps, func(s report.Step) bool {
					return s.Name == "stage 2/2: hold" && clierr.CodeOf(s.Err) == clierr.Missing
				})
				if shown != (tc.code == clierr.Missing) {
					t.Errorf("reports show %+v", s.steps)
				}
				if log := s.log(); log[len(log)-1] != "ci stop" || len(log) != 2 {
					t.Errorf("the log has %q", log)
				}
			})
		})
	}
}

// TestUnknownAtTheEndOfTheLastHold: a driver that was silent for less than rejoin is missing all the same, for nobody
// knows what it ran.
func TestUnknownAtTheEndOfTheLastHold(t *testing.T) {
	for name, tc := range map[string]struct {
		policy string
		back   time.Duration
		code   clierr.Code
	}{
		"abort": {"abort", 0, clierr.Missing}, "continue": {"continue", 0, clierr.Missing}, "retry": {"retry", 0,
			clierr.Missing},
		"retry, and it comes back": {"retry", 20 * time.Second, clierr.OK},
		"back before the end":      {"abort", 9 * time.Second, clierr.OK},
		"back after the end":       {"abort", 12 * time.Second, clierr.Missing},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSwarm(t, 2)
				later(t, 8*time.Second, func() { s.set("disconnected", "d-02") })
				if tc.back > 0 {
					later(t, tc.back, func() { s.set("active", "d-02") })
				}
				said, err := s.run("on_missing: " + tc.policy + "\nstages: [{set: {players: 10}}, {hold: 10s}]")
				if clierr.CodeOf(err) != tc.code {
					t.Errorf("%v, want code %d\n%s", err, tc.code, said)
				}
				if tc.code == clierr.Missing && !strings.Contains(clierr.Text(err), "d-02 (disconnected") {
					t.Errorf("it does not name d-02:\n%s", clierr.Text(err))
				}
				if s.players("d-01") != 0 {
					t.Error("d-01 is not stopped")
				}
			})
		})
	}
}

// TestHoldsBetweenTheStepsOfARamp are watched too.
func TestHoldsBetweenTheStepsOfARamp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		later(t, 20*time.Second, func() { s.set("stale", "d-02") })
		began := time.Now()
		_, err := s.run("rejoin: 5s\nstages: [{ramp: {from: 1, to: 3, step: 1, every: 5m}}]")
		if clierr.CodeOf(err) != clierr.Missing || time.Since(began) > time.Minute {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// TestAServerThatIsAwayInAHold does not end the run, and time without it is not on target.
func TestAServerThatIsAwayInAHold(t *testing.T) {
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
		if on < 17 || on > 22 { // it was away for 10 s, and is asked once a second
			t.Errorf("on target for %d s\n%s", on, said)
		}
	})
}

// TestForgottenDriversAreMissing: a server that was away does not know drivers that run on. They have 35 s to come
// back.
func TestForgottenDriversAreMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		later(t, 5*time.Second, func() { s.away(true) })
		later(t, 7*time.Second, func() { s.set("", "d-02"); s.away(false) })
		began := time.Now()
		said, err := s.run("rejoin: 2s\nstages: [{set: {players: 10}}, {hold: 10m}]")
		took := time.Since(began)
		if clierr.CodeOf(err) != clierr.Missing || took < 40*time.Second || took > 50*time.Second {
			t.Errorf("after %v: %v\n%s", took, err, said)
		}
		says(t, clierr.Text(err), "d-02 (not back since the server was away)")
	})
}

// TestADriverThatDeregisters in the last hold is not missing: it runs nothing.
func TestADriverThatDeregisters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		later(t, 5*time.Second, func() { s.set("", "d-02") })
		said, err := s.run("rejoin: 2s\nstages: [{set: {players: 10}}, {hold: 30s}]")
		if err != nil {
			t.Errorf("%v\n%s", err, said)
		}
		if log := s.log(); !slices.Equal(log, []string{"ci set_players 10", "ci stop"}) {
			t.Errorf("%q", log)
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

// TestAnAwayServerIsAskedByLooksAlone: each question that fails is a line on the terminal.
func TestAnAwayServerIsAskedByLooksAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		var before int
		later(t, 5*time.Second, func() { s.away(true) })
		later(t, 7*time.Second, func() { before = s.asked() })
		later(t, 20*time.Second, func() {
			if n := s.asked() - before; n > 0 {
				t.Errorf("%d questions while the server is away", n)
			}
			s.away(false)
		})
		if said, err := s.run("stages: [{set: {players: 10}}, {hold: 30s}]"); err != nil {
			t.Errorf("%v\n%s", err, said)
		}
	})
}

// TestAQuickRamp is not slowed down by looks at the drivers.
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

// TestForgottenDriversAtTheEnd of the last hold are looked for after the stop: they have the time that a restart of the
// server takes.
func TestForgottenDriversAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		later(t, 5*time.Second, func() { s.away(true) })
		later(t, 7*time.Second, func() { s.set("", "d-02"); s.away(false) })
		later(t, 13*time.Second, func() { s.set("active", "d-02") })
		if said, err := s.run("rejoin: 1s\nstages: [{set: {players: 10}}, {hold: 10s}]"); err != nil {
			t.Errorf("%v\n%s", err, said)
		}
	})
}

// TestASecondSilenceBegins when the driver has been heard in between, if only by a step.
func TestASecondSilenceBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		later(t, time.Second, func() { s.set("stale", "d-02") })
		later(t, 4200*time.Millisecond, func() { s.set("active", "d-02") })
		s.before = func(_ *fakeSwarm, e *fakeEntry) error {
			if e.Command.Type == command.SetPlayers && e.Command.Value == 11 {
				later(t, 0, func() { s.set("stale", "d-02") }) // once the step is through
			}
			return nil
		}
		later(t, 8*time.Second, func() { s.set("active", "d-02") })
		said, err := s.run("rejoin: 5s\nstages: [{set: {players: 10}}, {hold: 4s}, {set: {players: 11}}, {hold: 9s}]")
		if err != nil {
			t.Errorf("%v\n%s", err, said)
		}
	})
}

// TestALostDriverIsWaitedForOnce under continue: the steps that follow go on without it.
func TestALostDriverIsWaitedForOnce(t *testing.T) {
	for name, state := range map[string]string{"left": "", "stale": "stale"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSwarm(t, 2)
				later(t, 500*time.Millisecond, func() { s.set(state, "d-02") })
				began := time.Now()
				said, err := s.run("rejoin: 5s\non_missing: continue\nstages: [{set: {players: 1}}, {hold: 1s}, " +
					"{ramp: {from: 2, to: 9, step: 1, every: 10ms}}]")
				if took := time.Since(began); clierr.CodeOf(err) != clierr.Missing || took > 10*time.Second {
					t.Errorf("after %v: %v\n%s", took, err, said)
				}
				says(t, said, "2 of 2 acked", "going on without d-02")
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		later(t, 500*time.Millisecond, func() { s.set("", "d-02") })
		_, err := s.run("rejoin: 1s\nstages: [{set: {players: 1}}, {hold: 1s}, {set: {players: 2}}]")
		says(t, clierr.Text(err), "1 of 2 drivers are missing", "d-02 lost")
	})
}
