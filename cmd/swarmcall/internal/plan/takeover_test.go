package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// TestATakeoverEndsTheRun within a second, wherever it waits; it stops the drivers that nobody else commands.
func TestATakeoverEndsTheRun(t *testing.T) {
	for name, plan := range map[string]string{
		"in a hold":              "stages: [{set: {players: 10}}, {hold: 45s}]",
		"in a ramp":              "stages: [{ramp: {from: 10, to: 20, step: 10, every: 45s}}]",
		"in a wait":              "stages: [{set: {players: 10}}, {wait: {drivers: 9, timeout: 45s}}]",
		"while drivers are lost": "rejoin: 45s\nstages: [{set: {players: 10}}, {hold: 1s}, {set: {players: 10}}]",
		"between two tries":      "on_missing: retry\nretries: 9\nstages: [{set: {players: 10}}]",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSwarm(t, 3)
				if strings.Contains(name, "lost") {
					later(t, 500*time.Millisecond, func() { s.set("", "d-03") })
				}
				if strings.Contains(name, "tries") {
					s.drivers["d-03"].mute = true
					s.before = func(s *fakeSwarm, e *fakeEntry) error {
						s.drivers["d-03"].mute = e.Command.Type != "stop"
						return nil
					}
				}
				began := time.Now()
				later(t, 9900*time.Millisecond, func() { s.other("d-01") })
				said, err := s.run(plan)
				if took := time.Since(began); clierr.CodeOf(err) != clierr.Superseded || took > 11*time.Second {
					t.Errorf("after %v: %v\n%s", took, err, said)
				}
				says(t, said, "left to the other command: d-01")
				if s.dryRuns == 0 || s.dryRuns > 25 {
					t.Errorf("the server was asked %d times", s.dryRuns)
				}
				if got := s.players("d-02"); got != 0 {
					t.Errorf("d-02 runs %d players", got)
				}
			})
		})
	}
}

// TestWhatIsNoTakeover: the run goes on to its end.
func TestWhatIsNoTakeover(t *testing.T) {
	for name, do := range map[string]func(s *fakeSwarm){
		"a total that the server splits again": func(s *fakeSwarm) {
			e := *s.entries[0]
			e.Cause, e.Targets = "split again: lost d-03", nil
			s.issue(&e)
		},
		"a reset": func(s *fakeSwarm) {
			s.issue(&fakeEntry{Command: remote.Command{Type: "stop"}, Cause: "reset"})
		},
		"all drivers leave": func(s *fakeSwarm) {
			s.drivers["d-01"].state, s.drivers["d-02"].state, s.drivers["d-03"].state = "", "", ""
		},
		"somebody else's other drivers": func(s *fakeSwarm) {
			s.issue(&fakeEntry{Submitter: "team-b", Target: remote.Target{DriverIDs: []string{"b-1"}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSwarm(t, 3)
				later(t, 5*time.Second, func() {
					s.mu.Lock()
					defer s.mu.Unlock()
					do(s)
				})
				began := time.Now()
				said, err := s.run("stages: [{set: {total: 30}}, {hold: 20s}]")
				if took := time.Since(began); err != nil || took < 20*time.Second {
					t.Errorf("after %v: %v\n%s", took, err, said)
				}
				if strings.Contains(name, "split") {
					says(t, said, "30 of 30 players run")
				}
			})
		})
	}
}

// TestYieldStopsInChunks, each on the same condition: a stop of our own must not make the next one undo somebody else's
// command.
func TestYieldStopsInChunks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 1201)
		var conditions []int64
		s.before = func(s *fakeSwarm, e *fakeEntry) error {
			if e.Command.Type == "stop" {
				conditions = append(conditions, *e.IfSeq)
				if n := len(e.Target.DriverIDs); n == 0 || n > 500 {
					t.Errorf("a stop for %d drivers", n)
				}
			}
			return nil
		}
		later(t, 5*time.Second, func() { s.other("d-1000") })
		said, err := s.run("stages: [{set: {players: 10}}, {hold: 45s}]")
		if clierr.CodeOf(err) != clierr.Superseded {
			t.Errorf("%v\n%s", err, said)
		}
		says(t, said, "stopped the load of this run on 1200 drivers", "left to the other command: d-1000")
		if !slices.Equal(conditions, []int64{10, 10, 10}) {
			t.Errorf("the conditions are %v", conditions)
		}
		for id, d := range s.drivers {
			if d.players != 0 {
				t.Errorf("%s runs %d players", id, d.players)
			}
		}
	})
}

// TestYieldLeavesWhatIsTakenMeanwhile: a stop that is refused because somebody else was faster goes to the remaining
// drivers.
func TestYieldLeavesWhatIsTakenMeanwhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 4)
		took := 0
		s.before = func(s *fakeSwarm, e *fakeEntry) error {
			if e.Command.Type == "stop" && took < 2 {
				took++
				s.issue(
					&fakeEntry{
						Submitter: "ops/bob",
						Command:   remote.Command{Type: "stop"},
						Target:    remote.Target{DriverIDs: []string{[]string{"", "d-02", "d-03"}[took]}},
					},
				)
			}
			return nil
		}
		later(t, 5*time.Second, func() { s.other("d-01") })
		said, err := s.run("stages: [{set: {players: 10}}, {hold: 45s}]")
		if clierr.CodeOf(err) != clierr.Superseded {
			t.Errorf("%v\n%s", err, said)
		}
		says(t, said, "stopped the load of this run on 1 driver: d-04", "left to the other command: d-01, d-02, d-03")
	})
}

// TestYieldIsLoudWhenAStopIsNotAcked: then the missing ack decides about the exit code.
func TestYieldIsLoudWhenAStopIsNotAcked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 3)
		later(t, 5*time.Second, func() { s.set("stale", "d-03"); s.other("d-01") })
		_, err := s.run("stages: [{set: {players: 10}}, {hold: 45s}]")
		if clierr.CodeOf(err) != clierr.Missing {
			t.Errorf("%v", err)
		}
		says(t, clierr.Text(err), "THE LOAD MAY STILL BE ON: d-03 (stale", "ops/alice commands these drivers now: stop")
	})
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 3)
		s.before = func(_ *fakeSwarm, e *fakeEntry) error {
			if e.Command.Type == "stop" {
				return errors.New("full")
			}
			return nil
		}
		later(t, 5*time.Second, func() { s.other("d-01") })
		said, err := s.run("stages: [{set: {players: 10}}, {hold: 45s}]")
		if clierr.CodeOf(err) != clierr.Missing || !strings.Contains(clierr.Text(err), "THE LOAD MAY STILL BE ON") {
			t.Errorf("%v\n%s", err, said)
		}
	})
}

// TestAnOlderServer is asked for a dry run once; the run goes on as it did then, and takes the next step's refusal for
// the takeover.
func TestAnOlderServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		s.older = true
		later(t, 5*time.Second, func() { s.other("d-01") })
		said, err := s.run("stages: [{set: {players: 10}}, {hold: 10s}]")
		if clierr.CodeOf(err) != clierr.Superseded || s.dryRuns != 1 {
			t.Errorf("%v, %d dry runs\n%s", err, s.dryRuns, said)
		}
		says(t, said, "stopped the load of this run on 1 driver: d-02")
	})
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 3)
		s.older = true
		s.drivers["d-03"].mute = true
		later(t, 3*time.Second, func() { s.mu.Lock(); defer s.mu.Unlock(); s.drivers["d-03"].mute = false })
		said, err := s.run("on_missing: retry\nstages: [{set: {players: 10}}, {hold: 3s}]")
		if err != nil {
			t.Errorf("%v\n%s", err, said)
		}
		says(t, said, "try 1 of 3 again, for d-03", "on target for")
	})
}

// TestARunDoesNotNameAnEarlierOne in its condition: that would go back to the beginning of the earlier run.
func TestARunDoesNotNameAnEarlierOne(t *testing.T) {
	for name, tc := range map[string]struct {
		submitter string
		condition bool
		want      int64
	}{
		"a conditional command of ours": {"ci", true, 11}, "a plain command of ours": {"ci", false, 10},
		"somebody else's": {"ops", true, 10},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSwarm(t, 1)
			e := &fakeEntry{Submitter: tc.submitter, Command: remote.Command{Type: "stop"}}
			if tc.condition {
				e.IfSeq = new(int64)
			}
			s.issue(e)
			said, err := s.run("stages: [{set: {players: 1}}]")
			if got := s.entries[1].IfSeq; err != nil || *got != tc.want {
				t.Errorf("%s: %v, %v\n%s", name, *got, err, said)
			}
		})
	}
}

// TestYieldGivesUp when others are faster again and again: what is still on is said, and how to stop it.
func TestYieldGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 20)
		next := 1
		s.before = func(s *fakeSwarm, e *fakeEntry) error {
			if e.Command.Type == "stop" {
				next++
				target := remote.Target{DriverIDs: []string{fmt.Sprintf("d-%02d", next)}}
				s.issue(&fakeEntry{Submitter: "ops/bob", Command: remote.Command{Type: "stop"}, Target: target})
			}
			return nil
		}
		later(t, 5*time.Second, func() { s.other("d-01") })
		_, err := s.run("stages: [{set: {players: 10}}, {hold: 45s}]")
		if clierr.CodeOf(err) != clierr.Missing {
			t.Errorf("%v", err)
		}
		says(t, clierr.Text(err), "THE LOAD MAY STILL BE ON on 14 drivers that the other command does not concern",
			"d-07, d-08, d-09 and 11 more",
			"swarmcall stop --driver ID", "ops/alice commands these drivers now")
	})
}
