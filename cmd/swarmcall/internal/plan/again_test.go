package plan

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// TestLeftOutDriversAreMissingInAStep: a step is for all drivers that match, and those that it leaves out have not
// applied it.
func TestLeftOutDriversAreMissingInAStep(t *testing.T) {
	for name, tc := range map[string]struct {
		plan string
		back time.Duration
		code clierr.Code
		says []string
		log  []string
	}{
		"abort": {"stages: [{set: {total: 60}}, {hold: 1s}]", 0, clierr.Missing,
			[]string{"complete, 3 of 6 acked, 3 left out (stale)"},
			[]string{"ci set_players 60 in total", "ci stop"}},
		"continue": {"on_missing: continue\nstages: [{set: {total: 60}}, {hold: 1s}, {set: {total: 30}}]", 0, clierr.Missing,
			[]string{"going on without d-04, d-05, d-06"}, []string{"ci set_players 60 in total", "ci set_players 30 in total",
				"ci stop"}},
		"allowed": {"allow_missing: 3\nstages: [{set: {total: 60}}]", 0, clierr.OK, nil,
			[]string{"ci set_players 60 in total", "ci stop"}},
		"retry, and they come back": {"on_missing: retry\nstages: [{set: {total: 60}}, {hold: 1s}]",
			1500 * time.Millisecond, clierr.OK,
			[]string{"try 1 of 3 again, for d-04, d-05, d-06", "not connected: d-04, d-05, d-06", "try 2 of 3: acked by d-04"},
			[]string{"ci set_players 60 in total", "ci set_players 60 in total", "ci set_players 60 in total", "ci stop"}},
		"retry by id": {"on_missing: retry\nstages: [{set: {players: 10}}, {hold: 1s}]", 500 * time.Millisecond, clierr.OK,
			[]string{"try 1 of 3: acked by d-04, d-05, d-06"}, []string{"ci set_players 10", "ci set_players 10", "ci stop"}},
		"retry, and they do not": {"on_missing: retry\nretries: 2\nstages: [{set: {players: 10}}, {hold: 1s}]", 0,
			clierr.Missing,
			[]string{"try 2 of 2: not connected: d-04, d-05, d-06"}, []string{"ci set_players 10", "ci stop"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSwarm(t, 6)
				silent := []string{"d-04", "d-05", "d-06"}
				s.set("stale", silent...)
				if tc.back > 0 {
					later(t, tc.back, func() { s.set("active", silent...) })
				}
				began := time.Now()
				said, err := s.run("rejoin: 1s\n" + tc.plan)
				if clierr.CodeOf(err) != tc.code {
					t.Errorf("%v, want code %d\n%s", err, tc.code, said)
				}
				says(t, said, tc.says...)
				if log := s.log(); !slices.Equal(log, tc.log) {
					t.Errorf("the log has %q\n%s", log, said)
				}
				if took := time.Since(began); took > 20*time.Second {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// TestManyOutstandingDrivers: the server names the first hundred, and counts them all.
func TestManyOutstandingDrivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 300)
		for _, d := range s.drivers {
			d.mute = true
		}
		s.drivers["d-01"].mute = false
		later(t, 500*time.Millisecond, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, d := range s.drivers {
				d.mute = false
			}
		})
		said, err := s.run("on_missing: retry\nstages: [{set: {players: 10}}]")
		if err != nil {
			t.Errorf("%v\n%s", err, said)
		}
		if n := len(s.entries[1].Targets); n != 300 {
			t.Errorf("sent again to %d", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 300)
		for _, d := range s.drivers {
			d.mute = true
		}
		_, err := s.run("stages: [{set: {players: 10}}]")
		says(t, clierr.Text(err), "300 of 300 drivers are missing")
	})
}

// TestADriverOfSomebodyElseIsNotOfTheRun: it is neither missing nor waited for, and not stopped.
func TestADriverOfSomebodyElseIsNotOfTheRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 3)
		later(t, 500*time.Millisecond, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.drivers["d-03"].taken = true
		})
		later(t, 1500*time.Millisecond, func() { s.set("stale", "d-03") })
		began := time.Now()
		said, err := s.run("rejoin: 5s\nstages: [{set: {players: 10}}, {hold: 1s}, {set: {players: 11}}, {hold: 9s}, " +
			"{set: {players: 12}}]")
		if took := time.Since(began); err != nil || took > 12*time.Second {
			t.Errorf("after %v: %v\n%s", took, err, said)
		}
		says(t, said, "2 of 2 acked, a newer command of somebody else holds for d-03", "22 of 22 players run, on 2 drivers")
		if s.players("d-03") != 10 {
			t.Error("d-03 is stopped")
		}
	})
}

// TestAStopThatMatchesNobodyAtTheEnd: the drivers have left, and the run is as good as it was.
func TestAStopThatMatchesNobodyAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		later(t, 2*time.Second, func() { s.set("", "d-01", "d-02") })
		said, err := s.run("stages: [{set: {players: 10}}, {hold: 5s}]")
		if err != nil {
			t.Errorf("%v\n%s", err, said)
		}
		says(t, said, "there is nothing to stop")
	})
}

// TestAStopThatIsLoggedForNobody at the end of a run that had drivers: its target is not misspelt.
func TestAStopThatIsLoggedForNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		s.logs = true
		later(t, 2*time.Second, func() { s.set("", "d-01", "d-02") })
		said, err := s.run("stages: [{set: {players: 10}}, {hold: 5s}]")
		if err != nil || strings.Contains(said, "0 of 0") {
			t.Errorf("%v\n%s", err, said)
		}
	})
}
