package plan

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// TestATakeoverIsAskedForAtAPace: the run asks the server only as often as it must to end within a second.
func TestATakeoverIsAskedForAtAPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 3)
		later(t, 9900*time.Millisecond, func() { s.other("d-01") })
		if _, err := s.run("stages: [{set: {players: 10}}, {hold: 45s}]"); clierr.CodeOf(err) != clierr.Superseded {
			t.Error(err)
		}
		if s.dryRuns < 10 || s.dryRuns > 25 {
			t.Errorf("the server was asked %d times", s.dryRuns)
		}
	})
}

// TestYieldStopsInChunks: each chunk has the same condition, because after a stop of our own the next one must not
// replace another submitter's command.
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
		says(t, said, "stopped the load of this run on 1200 drivers", "left under the other command: d-1000")
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

// TestARunDoesNotNameAnEarlierOne: the server would go back to the beginning of the earlier run if the condition named
// it.
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

// TestYieldGivesUp: if other submitters are always faster, the error names the drivers that still run load, and how to
// stop them.
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
		says(t, clierr.Text(err), "THE LOAD MAY STILL BE RUNNING on 14 drivers that the other command does not target",
			"d-07, d-08, d-09 and 11 more",
			"swarmcall stop --driver ID", "ops/alice commands these drivers now")
	})
}
