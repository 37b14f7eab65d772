package plan

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/command"
)

const slowRamp = "rejoin: 15s\nstages: [{ramp: {from: 1, to: 9, step: 1, every: 1s}}]"

// TestADeregisteredDriverIsNotLost: the steps that follow go on without it, in their time; whenever it leaves, by each
// policy, and across a restart of the server, which remembers who has deregistered.
func TestADeregisteredDriverIsNotLost(t *testing.T) {
	for name, tc := range map[string]struct {
		plan string
		do   func(s *fakeSwarm)
	}{
		"between two steps": {slowRamp, func(s *fakeSwarm) { s.set("left", "d-02") }},
		"under retry":       {"on_missing: retry\n" + slowRamp, func(s *fakeSwarm) { s.set("left", "d-02") }},
		"two of three":      {slowRamp, func(s *fakeSwarm) { s.set("left", "d-02", "d-03") }},
		"after a restart": {slowRamp, func(s *fakeSwarm) {
			s.away(true)
			later(s.t, 300*time.Millisecond, func() { s.set("left", "d-02"); s.away(false) })
		}},
		"of a total": {"stages: [{ramp: {from: 3, to: 27, step: 3, every: 1s, total: true}}]", func(s *fakeSwarm) { s.set("left", "d-02") }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSwarm(t, 3)
				later(t, 2500*time.Millisecond, func() { tc.do(s) })
				began := time.Now()
				said, err := s.run(tc.plan)
				if took := time.Since(began); err != nil || took > 10*time.Second {
					t.Errorf("after %v: %v\n%s", took, err, said)
				}
				says(t, said, "the run goes on without d-02", "deregistered")
				if n := strings.Count(said, "goes on without"); n != 1 {
					t.Errorf("it is told %d times\n%s", n, said)
				}
			})
		})
	}
}

// TestADriverDeregistersWhileItIsWaitedFor, and as a step is sent.
func TestADriverDeregistersWhileItIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		later(t, 2500*time.Millisecond, func() { s.set("disconnected", "d-02") })
		later(t, 5*time.Second, func() { s.set("left", "d-02") })
		began := time.Now()
		said, err := s.run(slowRamp)
		if took := time.Since(began); err != nil || took > 13*time.Second {
			t.Errorf("after %v: %v\n%s", took, err, said)
		}
		says(t, said, "waiting for d-02 to come back", "the run goes on without d-02: deregistered")
	})
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		s.before = func(s *fakeSwarm, e *fakeEntry) error {
			if e.Command.Type == command.SetPlayers && e.Command.Value == 3 {
				s.drivers["d-02"].state = "left"
			}
			return nil
		}
		if said, err := s.run(slowRamp); err != nil {
			t.Errorf("%v\n%s", err, said)
		}
	})
}

// TestAMissingDriverIsWaitedForOnce, also when so many may be missing; when it is back and lost again, once more.
func TestAMissingDriverIsWaitedForOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 3)
		later(t, 2500*time.Millisecond, func() { s.set("disconnected", "d-02") })
		began := time.Now()
		said, err := s.run("allow_missing: 1\n" + slowRamp)
		if took := time.Since(began); err != nil || took > 40*time.Second { // 15 s before a step, and after the stop
			t.Errorf("after %v: %v\n%s", took, err, said)
		}
		if n := strings.Count(said, "waiting for d-02"); n != 1 {
			t.Errorf("it is waited for %d times\n%s", n, said)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 3)
		later(t, 2500*time.Millisecond, func() { s.set("disconnected", "d-02") })
		later(t, 5500*time.Millisecond, func() { s.set("active", "d-02") })
		later(t, 7500*time.Millisecond, func() { s.set("disconnected", "d-02") })
		said, _ := s.run("rejoin: 2s\nallow_missing: 1\nstages: [{ramp: {from: 1, to: 9, step: 1, every: 1s}}]")
		if n := strings.Count(said, "waiting for d-02"); n != 2 {
			t.Errorf("it is waited for %d times\n%s", n, said)
		}
	})
}

// TestWaitingCountsAgainstEvery: the hold after a step that waited is shorter.
func TestWaitingCountsAgainstEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		var sent []time.Duration
		began := time.Now()
		s.before = func(*fakeSwarm, *fakeEntry) error {
			sent = append(sent, time.Since(began).Round(time.Second))
			return nil
		}
		later(t, 19900*time.Millisecond, func() { s.set("disconnected", "d-02") })
		later(t, 24*time.Second, func() { s.set("active", "d-02") })
		said, err := s.run("stages: [{ramp: {from: 1, to: 4, step: 1, every: 10s}}]")
		if err != nil {
			t.Errorf("%v\n%s", err, said)
		}
		want := []time.Duration{0, 10 * time.Second, 24 * time.Second, 30 * time.Second, 30 * time.Second} // the last is the stop
		if !slices.Equal(sent, want) {
			t.Errorf("sent at %v, want %v\n%s", sent, want, said)
		}
	})
}

// TestATimeInAHoldCountsForRejoin: a driver has so long to come back since it was missed, not since the next step.
func TestATimeInAHoldCountsForRejoin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		later(t, 2*time.Second, func() { s.set("disconnected", "d-02") })
		began := time.Now()
		said, err := s.run("on_missing: continue\nstages: [{set: {players: 1}}, {hold: 12s}, {set: {players: 2}}]")
		if took := time.Since(began); clierr.CodeOf(err) != clierr.Missing || took > 19*time.Second {
			t.Errorf("after %v: %v\n%s", took, err, said)
		}
	})
}

// TestAnOlderServerDoesNotSayWhoDeregistered: a driver that has left is lost to it, and waited for once.
func TestAnOlderServerDoesNotSayWhoDeregistered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 2)
		s.older = true
		later(t, 2500*time.Millisecond, func() { s.set("left", "d-02") })
		began := time.Now()
		said, err := s.run("on_missing: continue\n" + slowRamp)
		if took := time.Since(began); clierr.CodeOf(err) != clierr.Missing || took > 25*time.Second {
			t.Errorf("after %v: %v\n%s", took, err, said)
		}
	})
}
