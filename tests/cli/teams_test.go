package cli

import (
	"strings"
	"testing"
)

// teams has drivers of two teams on one server: e-1 and e-2 in region eu, b-1 of team b, and both, which is in eu and
// of team b.
func teams(t *testing.T) (*server, map[string]*swarmDriver) {
	t.Helper()
	s, drivers := newWorld(t)
	for id, labels := range map[string]map[string]string{
		"e-1": {"region": "eu"}, "e-2": {"region": "eu"}, "b-1": {"team": "b"}, "both": {"region": "eu", "team": "b"},
	} {
		join(t, s, drivers, id, labels)
	}
	return s, drivers
}

// join adds a driver.
func join(t *testing.T, s *server, drivers map[string]*swarmDriver, id string, labels map[string]string) {
	t.Helper()
	d, err := startDriver(s.url(), id, labels)
	if err != nil {
		t.Fatal(err)
	}
	drivers[id] = d
}

const euPlan = "name: eu\ntarget: {labels: {region: eu}}\nrejoin: 300ms\n" +
	"stages: [{set: {players: 5}}, {hold: %HOLD%}, {set: {players: 6}}]"

func last(t *testing.T, d *swarmDriver, want string) {
	t.Helper()
	if got := d.commands(); len(got) == 0 || got[len(got)-1] != want {
		t.Errorf("it applied %q, want %s at the end", got, want)
	}
}

// TestAPlanIsNotDisturbed: commands for other drivers do not disturb it, even though a driver could have both labels.
func TestAPlanIsNotDisturbed(t *testing.T) {
	s, drivers := teams(t)
	if err := drivers["both"].end(); err != nil {
		t.Fatal(err)
	}
	p := swarmcall(t, s.url(), "run", planFile(t, strings.ReplaceAll(euPlan, "%HOLD%", "2s")))
	p.says("hold for")
	swarmcall(t, s.url(), "players", "set", "1", "--label", "team=b", "--submitter", "team-b").code(0)
	swarmcall(t, s.url(), "stop", "--driver", "b-1", "--submitter", "team-b").code(0)
	p.code(0)
	last(t, drivers["e-1"], "stop")
	sameLog(t, s.url(), "players 5", "players 1", "stop", "players 6", "stop")
}

// TestAPlanYieldsSharedDrivers: it ends soon after another submitter has commanded a driver that both teams have,
// leaves that driver alone, and stops its other drivers.
func TestAPlanYieldsSharedDrivers(t *testing.T) {
	s, drivers := teams(t)
	p := swarmcall(t, s.url(), "run", "--debug", planFile(t, strings.ReplaceAll(euPlan, "%HOLD%", "45s")))
	p.says("hold for")
	swarmcall(t, s.url(), "players", "set", "1", "--label", "team=b", "--submitter", "team-b").code(0)
	before := asked(p)
	p.code(9)
	p.says("team-b commands these drivers now: set_players 1")
	p.says("stopped the load of this run on 2 drivers: e-1, e-2")
	p.says("left under the other command: both")
	last(t, drivers["e-1"], "stop")
	last(t, drivers["e-2"], "stop")
	last(t, drivers["both"], "players 1")
	last(t, drivers["b-1"], "players 1")
	if n := asked(p) - before; n > 3 {
		t.Errorf("it asked %d times until it saw the command:\n%s", n, p.Err)
	}
}

// asked returns how often a run has checked for commands of others: POST requests that are not its own commands.
func asked(p *process) int { return len(lines(p.Err.String(), "POST ")) }

// TestAStopEndsAHold: a Stop of another submitter ends the hold within a bounded number of checks.
func TestAStopEndsAHold(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2", "d-3")
	plan := planFile(t, "stages: [{set: {players: 10}}, {hold: 1h}]") // much longer than the test waits for the end
	p := swarmcall(t, s.url(), "run", "--debug", plan)
	p.says("hold for")
	p.says("→ 200 OK")
	swarmcall(t, s.url(), "stop", "--submitter", "ops/alice").code(0)
	before := asked(p)
	p.code(9)
	if n := asked(p) - before; n > 3 {
		t.Errorf("it asked %d times until it saw the command:\n%s", n, p.Err)
	}
	p.says("ops/alice commands these drivers now: stop")
	p.says("nothing is stopped: a command by another submitter holds for every driver of this run")
	sameLog(t, s.url(), "players 10", "stop")
	last(t, drivers["d-1"], "stop")
}

// TestADriverThatAppearsLate: if another team already commands it, it does not belong to the run: it is not commanded,
// not missing, not stopped.
func TestADriverThatAppearsLate(t *testing.T) {
	s, drivers := teams(t)
	if err := drivers["both"].end(); err != nil {
		t.Fatal(err)
	}
	plan := planFile(
		t,
		"name: eu\ntarget: {labels: {region: eu}}\nstages: [{set: {players: 5}}, {wait: {drivers: 3, timeout: 60s}}, "+
			"{set: {players: 6}}, {wait: {drivers: 4, timeout: 60s}}, {set: {players: 7}}]",
	)
	p := swarmcall(t, s.url(), "run", plan)
	p.says("wait for 3 drivers")
	swarmcall(t, s.url(), "players", "set", "1", "--label", "team=b", "--submitter", "team-b").code(0)
	join(t, s, drivers, "e-3", map[string]string{"region": "eu"})
	p.says("wait for 4 drivers")
	join(t, s, drivers, "late", map[string]string{"region": "eu", "team": "b"})
	p.code(0)
	p.says("a newer command by another submitter holds for late")
	last(t, drivers["late"], "players 1")
	last(t, drivers["e-1"], "stop")
	last(t, drivers["e-3"], "stop")
}

// TestTheNextRunTakesAllDrivers: commands that others sent during an earlier run are older than the next run.
func TestTheNextRunTakesAllDrivers(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2")
	plan := planFile(t, "rejoin: 300ms\nstages: [{set: {players: 5}}, {hold: 45s}]")
	p := swarmcall(t, s.url(), "run", plan)
	p.says("hold for")
	swarmcall(t, s.url(), "stop", "--driver", "d-1", "--submitter", "ops/alice").code(0)
	p.code(9)
	next := swarmcall(t, s.url(), "run", planFile(t, "stages: [{set: {players: 7}}, {set: {players: 8}}]"))
	next.code(0)
	next.says("set_players 7: complete, 2 of 2 acked")
	for _, d := range drivers {
		last(t, d, "stop")
		if !d.until("players 8") {
			t.Error("a driver is left out")
		}
	}
}
