package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

const steps = `
name: steps
deadline: 2s
rejoin: %REJOIN%
on_missing: %POLICY%
retries: 2
stages:
  - wait: {drivers: 2, timeout: 30s}
  - spawn_delay: 5ms
  - set: {players: 1}
  - hold: %HOLD%
  - ramp: {from: 2, to: 4, step: 1, every: 100ms}
`

func stepsPlan(t *testing.T, policy, hold string) string {
	return planFile(t, strings.NewReplacer("%POLICY%", policy, "%HOLD%", hold, "%REJOIN%", "300ms").Replace(steps))
}

var whole = []string{"set_spawn_delay_ms", "players 1", "players 2", "players 3", "players 4", "stop"}

func sameLog(t *testing.T, url string, want ...string) {
	t.Helper()
	if got := logged(t, url); !slices.Equal(got, want) {
		t.Errorf("the log has %q, want %q", got, want)
	}
}

func TestPlan(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2")
	report := t.TempDir() + "/junit.xml"
	p := swarmcall(t, s.url(), "run", stepsPlan(t, "abort", "10ms"), "--report", "junit="+report)
	p.code(0)
	sameLog(t, s.url(), whole...)
	if got := drivers["d-2"].commands(); !slices.Equal(got,
		[]string{"delay 5", "players 1", "players 2", "players 3", "players 4", "stop"}) {
		t.Errorf("d-2 applied %q", got)
	}
	b, err := os.ReadFile(report)
	if err != nil || strings.Count(string(b), "<testsuite ") != 6 || strings.Contains(string(b), "<failure") {
		t.Errorf("%v\n%s", err, b)
	}
	if strings.Contains(p.Err.String(), "\x1b") {
		t.Errorf("escape codes in a pipe:\n%q", p.Err)
	}
}

// TestPlanRefusesWhatItCannotMean: an invalid plan sends nothing.
func TestPlanRefusesWhatItCannotMean(t *testing.T) {
	for _, bad := range []string{
		"stages: []", "stages: [{hold: 1s, set: {players: 1}}]", "stages: [{set: {playrs: 1}}]",
		"stages: [{ramp: {from: 0, to: 5, step: 0, every: 1s}}]",
		"on_missing: ignore\nstages: [{hold: 1s}]", "stages: [{set: {players: 1, total: 2}}]",
		"stages: [{set: {players: -1}}]", "stages: [{hold: -1s}]", "x",
	} {
		p := swarmcall(t, "http://127.0.0.1:1", "run", planFile(t, bad))
		p.code(2)
		if !strings.Contains(p.Err.String(), "swarmcall help plans") {
			t.Errorf("%s:\n%s", bad, p.Err)
		}
	}
	swarmcall(t, "http://127.0.0.1:1", "run", "--check", stepsPlan(t, "retry", "1s")).code(0)
	for _, bad := range []string{
		"target: {driver_ids: [a b]}\nstages: [{hold: 1s}]", "stages: [{set: {players: 1.5}}]",
		"stages: [{set: {players: 010}}]",
		"name: \"a\\eb\"\nstages: [{hold: 1s}]", "stages: [{hold: 1s}]\n---\nstages: []",
	} {
		p := swarmcall(t, "http://127.0.0.1:1", "run", "--check", planFile(t, bad))
		p.code(2)
		p.says("line ")
	}
}

// TestPlanThroughARestart: the server stops during a plan, by SIGTERM or SIGKILL, and each stage is in the log once.
func TestPlanThroughARestart(t *testing.T) {
	for name, signal := range map[string]os.Signal{"in order": syscall.SIGTERM, "by force": syscall.SIGKILL} {
		t.Run(name, func(t *testing.T) {
			s, drivers := newWorld(t, "d-1", "d-2")
			p := swarmcall(t, s.url(), "run", stepsPlan(t, "abort", "1500ms"))
			p.says("hold for")
			if err := s.end(signal); err != nil {
				t.Fatal(err)
			}
			p.says("trying again in")
			if err := s.start(); err != nil {
				t.Fatal(err)
			}
			p.code(0)
			sameLog(t, s.url(), whole...)
			if got := drivers["d-1"].commands(); !slices.Contains(got, "players 4") || got[len(got)-1] != "stop" {
				t.Errorf("d-1 applied %q", got)
			}
		})
	}
}

// TestPlanThroughARestartInMidCommand kills the server while a step is open: the step is not sent again, because its
// drivers receive it when they reconnect.
func TestPlanThroughARestartInMidCommand(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2")
	plan := planFile(t, "name: open\ndeadline: 30s\nstages: [{set: {players: 1}}, {hold: 10ms}, {set: {players: 2}}]")
	drivers["d-2"].set("hold")
	p := swarmcall(t, s.url(), "run", plan)
	if !drivers["d-1"].until("players 1") {
		t.Fatal("d-1 does not get it")
	}
	if err := s.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	drivers["d-2"].set("")
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	p.code(0)
	sameLog(t, s.url(), "players 1", "players 2", "stop")
}

// TestPlanLosesADriver: the driver does not deregister, because its network is cut.
func TestPlanLosesADriver(t *testing.T) {
	for policy, want := range map[string]struct {
		code int
		log  []string
		says string
	}{
		"abort":    {3, []string{"set_spawn_delay_ms", "players 1", "players 2", "stop"}, "1 left out (disconnected)"},
		"continue": {3, whole, "going on without d-2"},
		"retry": {3, []string{"set_spawn_delay_ms", "players 1", "players 2", "stop"},
			"try 2 of 2: not connected: d-2"},
	} {
		t.Run(policy, func(t *testing.T) {
			s, drivers := newWorld(t, "d-1")
			wire := newWire()
			var err error
			if drivers["d-2"], err = startDriverBy(wire.client(), s.url(), "d-2", nil); err != nil {
				t.Fatal(err)
			}
			// The cut comes in the hold, which ends before the driver has been disconnected for too long.
			plan := strings.NewReplacer("%POLICY%", policy, "%HOLD%", "1s", "%REJOIN%", "4s").Replace(steps)
			p := swarmcall(t, s.url(), "run", planFile(t, plan))
			p.says("hold for")
			wire.cut()
			p.code(want.code)
			sameLog(t, s.url(), want.log...)
			if !strings.Contains(p.Err.String(), want.says) {
				t.Errorf("no %q in\n%s", want.says, p.Err)
			}
			if got := drivers["d-1"].commands(); got[len(got)-1] != "stop" {
				t.Errorf("d-1 applied %q", got)
			}
		})
	}
}

// TestPlanGoesOnWithoutADeregisteredDriver: the run continues with every policy, and through a later restart of the
// server.
func TestPlanGoesOnWithoutADeregisteredDriver(t *testing.T) {
	for _, policy := range []string{"abort", "continue", "retry"} {
		t.Run(policy, func(t *testing.T) {
			s, drivers := newWorld(t, "d-1", "d-2", "d-3")
			p := swarmcall(t, s.url(), "run", stepsPlan(t, policy, "1500ms"))
			p.says("hold for")
			if err := drivers["d-2"].end(); err != nil {
				t.Fatal(err)
			}
			if policy == "continue" {
				if err := s.end(syscall.SIGTERM); err != nil {
					t.Fatal(err)
				}
				if err := s.start(); err != nil {
					t.Fatal(err)
				}
			}
			p.code(0)
			p.says("the run goes on without d-2: deregistered")
			sameLog(t, s.url(), whole...)
		})
	}
}

// TestPlanRetries: a driver that does not ack at first is sent the step again, and the plan continues.
func TestPlanRetries(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2")
	report := t.TempDir() + "/junit.xml"
	plan := stepsPlan(t, "retry", "2s")
	text, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	plan = planFile(t, "min_drivers: 2\n"+string(text)) // counts for the step, not for its retry
	p := swarmcall(t, s.url(), "run", plan, "--report", "junit="+report)
	p.says("hold for")
	drivers["d-2"].set("hold")
	p.says("try 1 of 2 again, for d-2")
	drivers["d-2"].set("")
	p.code(0)
	p.says("try 1 of 2: acked by d-2")
	sameLog(t, s.url(), "set_spawn_delay_ms", "players 1", "players 2", "players 2", "players 3", "players 4", "stop")
	if got := drivers["d-2"].commands(); got[len(got)-1] != "stop" || !slices.Contains(got, "players 4") {
		t.Errorf("d-2 applied %q", got)
	}
	if b, err := os.ReadFile(report); err != nil || strings.Contains(string(b), "<failure") ||
		strings.Contains(string(b), "<error") {
		t.Errorf("the report of a run that went well has failures: %v\n%s", err, b)
	}
	if n := len(lines(strings.Join(drivers["d-1"].commands(), "\n"), "players 2")); n != 1 {
		t.Errorf("d-1 was sent the step again: %q", drivers["d-1"].commands())
	}
}

// TestPlanYieldsToAnotherSubmitter: a stop of another submitter ends the run with exit 9, and the run does not undo it.
func TestPlanYieldsToAnotherSubmitter(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2")
	p := swarmcall(t, s.url(), "run", stepsPlan(t, "abort", "4s"))
	p.says("hold for")
	swarmcall(t, s.url(), "stop", "--submitter", "ops/alice").code(0)
	p.code(9)
	sameLog(t, s.url(), "set_spawn_delay_ms", "players 1", "stop")
	if !strings.Contains(p.Err.String(), "ops/alice commands these drivers now: stop") {
		t.Errorf("it does not say who:\n%s", p.Err)
	}
	if got := drivers["d-1"].commands(); got[len(got)-1] != "stop" {
		t.Errorf("d-1 applied %q", got)
	}
}

func TestRamp(t *testing.T) {
	s, _ := newWorld(t, "d-1")
	p := swarmcall(t, s.url(), "ramp", "--from", "5", "--to", "1", "--step", "3", "--every", "10ms")
	p.code(0)
	p.says("the load keeps running")
	sameLog(t, s.url(), "players 5", "players 2", "players 1")
	swarmcall(t, s.url(), "ramp", "--from", "1", "--to", "1", "--step", "1", "--every", "10ms", "--hold",
		"10ms").code(0)
	sameLog(t, s.url(), "players 5", "players 2", "players 1", "players 1", "stop")
	swarmcall(t, s.url(), "ramp", "--from", "1", "--to", "2", "--step", "0", "--every", "10ms").code(2)
}

// TestPlanFromStdin: the file name - reads the plan from stdin.
func TestPlanFromStdin(t *testing.T) {
	for text, want := range map[string]int{"stages: [{hold: 1s}]": 0, "stages: []": 2} {
		p := exec.Command(filepath.Join(binaries, "swarmcall"), "run", "--check", "-")
		p.Stdin, p.Env, p.Dir = strings.NewReader(text), environment(t.TempDir(), "http://127.0.0.1:1"), t.TempDir()
		out, _ := p.CombinedOutput()
		if got := p.ProcessState.ExitCode(); got != want {
			t.Errorf("%s: exit code %d, want %d\n%s", text, got, want, out)
		}
	}
}
