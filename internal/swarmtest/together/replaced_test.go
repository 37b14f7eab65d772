package together

import (
	"testing"
	"testing/synctest"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// TestAReplacedStopDoesNotComeBack: load replaces a Stop for one of the drivers that the Stop names. That driver is
// disconnected until the load expires, and returns as a new driver, for which only commands for all drivers hold. It
// makes no difference whether the Stop named a second driver, for which it is still in force.
func TestAReplacedStopDoesNotComeBack(t *testing.T) {
	total := swarm.Command{Type: command.SetPlayers, Value: 12, Total: true}
	submit := func(c swarm.Command, ids ...string) teamStep {
		return teamStep{what: "submit", command: c, target: swarm.Target{DriverIDs: ids}, submitter: "alice"}
	}
	const forgetAfter10s = 1
	for name, stopped := range map[string][]string{"alone": {"d-2"}, "with another": {"d-1", "d-2"}} {
		deeds := []teamStep{
			{what: "connect", driver: 1}, {what: "connect", driver: 2},
			submit(players(5)), submit(stop, stopped...), submit(total, "d-2"),
			{what: "leave", driver: 2}, {what: "wait", seconds: 25}, // the load expires, and then its Stop
		}
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newTeams(t, forgetAfter10s)
				for _, d := range deeds {
					s.play(d)
				}
				s.settle()
				s.checkConvergent()
				stays, came := s.processes[1].players(), s.processes[2].players()
				if want := int64(5 * (2 - len(stopped))); stays != want || came != 5 {
					t.Errorf("d-1 runs %d and d-2, which came back, %d players; want %d and 5", stays, came, want)
				}
				s.end()
				if len(s.problems) > 0 {
					t.Errorf("%q", s.problems)
				}
			})
		})
	}
}
