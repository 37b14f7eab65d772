package cli

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/tests/freezer"
)

const steps = `
name: steps
deadline: 300ms
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
	if got := drivers["d-2"].commands(); !slices.Equal(got, []string{"delay 5", "players 1", "players 2", "players 3", "players 4", "stop"}) {
		t.Errorf("d-2 applied %q", got)
	}
	b, err := os.ReadFile(report)
	if err != nil || strings.Count(string(b), "<testsuite ") != 6 || strings.Contains(string(b), "<failure") {
		t.Errorf("%v\n%s", err, b)
	}
	if strings.Contains(p.err.String(), "\x1b") {
		t.Errorf("escape codes in a pipe:\n%q", p.err)
	}
}

// TestPlanRefusesWhatItCannotMean: a plan with faults sends nothing.
func TestPlanRefusesWhatItCannotMean(t *testing.T) {
	for _, bad := range []string{
		"stages: []", "stages: [{hold: 1s, set: {players: 1}}]", "stages: [{set: {playrs: 1}}]", "stages: [{ramp: {from: 0, to: 5, step: 0, every: 1s}}]",
		"on_missing: ignore\nstages: [{hold: 1s}]", "stages: [{set: {players: 1, total: 2}}]", "stages: [{set: {players: -1}}]", "stages: [{hold: -1s}]", "x",
	} {
		p := swarmcall(t, "http://127.0.0.1:1", "run", planFile(t, bad))
		p.code(2)
		if !strings.Contains(p.err.String(), "swarmcall help plans") {
			t.Errorf("%s:\n%s", bad, p.err)
		}
	}
	swarmcall(t, "http://127.0.0.1:1", "run", "--check", stepsPlan(t, "retry", "1s")).code(0)
	for _, bad := range []string{
		"target: {driver_ids: [a b]}\nstages: [{hold: 1s}]", "stages: [{set: {players: 1.5}}]", "stages: [{set: {players: 010}}]",
		"name: \"a\\eb\"\nstages: [{hold: 1s}]", "stages: [{hold: 1s}]\n---\nstages: []",
	} {
		p := swarmcall(t, "http://127.0.0.1:1", "run", "--check", planFile(t, bad))
		p.code(2)
		p.says("line ")
	}
}

// TestPlanThroughARestart: the server goes away in mid-plan, in order or by force, and each stage is in the log once.
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

// TestPlanThroughARestartInMidCommand kills the server while a step is open: the step is not sent again, for its drivers are told it
// when they come back.
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

func TestPlanLosesADriver(t *testing.T) {
	for policy, want := range map[string]struct {
		code int
		log  []string
		says string
	}{
		"abort":    {3, []string{"set_spawn_delay_ms", "players 1", "players 2", "stop"}, "d-2 lost: not connected when the step was sent"},
		"continue": {3, whole, "going on without d-2"},
		"retry":    {3, []string{"set_spawn_delay_ms", "players 1", "players 2", "stop"}, "try 2 of 2: not connected: d-2"},
	} {
		t.Run(policy, func(t *testing.T) {
			s, drivers := newWorld(t, "d-1", "d-2")
			p := swarmcall(t, s.url(), "run", stepsPlan(t, policy, "200ms"))
			p.says("hold for")
			if err := drivers["d-2"].end(); err != nil {
				t.Fatal(err)
			}
			p.code(want.code)
			sameLog(t, s.url(), want.log...)
			if !strings.Contains(p.err.String(), want.says) {
				t.Errorf("no %q in\n%s", want.says, p.err)
			}
			if got := drivers["d-1"].commands(); got[len(got)-1] != "stop" {
				t.Errorf("d-1 applied %q", got)
			}
		})
	}
}

// TestPlanRetries: a driver that does not ack at first is sent the step again, and the plan goes on.
func TestPlanRetries(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2")
	report := t.TempDir() + "/junit.xml"
	plan := stepsPlan(t, "retry", "300ms")
	text, err := os.ReadFile(plan)
	if err != nil {
		t.Fatal(err)
	}
	plan = planFile(t, "min_drivers: 2\n"+string(text)) // of the step, not of those it is sent to again
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
	if b, err := os.ReadFile(report); err != nil || strings.Contains(string(b), "<failure") || strings.Contains(string(b), "<error") {
		t.Errorf("the report of a run that went well has failures: %v\n%s", err, b)
	}
	if n := len(lines(strings.Join(drivers["d-1"].commands(), "\n"), "players 2")); n != 1 {
		t.Errorf("d-1 was sent the step again: %q", drivers["d-1"].commands())
	}
}

// TestPlanYieldsToSomebodyElse: a stop by another hand ends the run with exit 9, and nothing undoes it.
func TestPlanYieldsToSomebodyElse(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2")
	p := swarmcall(t, s.url(), "run", stepsPlan(t, "abort", "500ms"))
	p.says("hold for")
	swarmcall(t, s.url(), "stop", "--submitter", "ops/alice").code(0)
	p.code(9)
	sameLog(t, s.url(), "set_spawn_delay_ms", "players 1", "stop")
	if !strings.Contains(p.err.String(), "ops/alice commands these drivers now: stop") {
		t.Errorf("it does not say who:\n%s", p.err)
	}
	if got := drivers["d-1"].commands(); got[len(got)-1] != "stop" {
		t.Errorf("d-1 applied %q", got)
	}
}

// TestPlanInterrupted: Ctrl-C at any moment stops the load and says so.
func TestPlanInterrupted(t *testing.T) {
	s, _ := newWorld(t, "d-1", "d-2")
	t.Run("while it waits", func(t *testing.T) {
		p := swarmcall(t, s.url(), "run", planFile(t, "stages: [{wait: {drivers: 9, timeout: 60s}}]"))
		p.says("wait for 9 drivers")
		p.signal(os.Interrupt)
		p.code(130)
		p.says("nothing to stop")
	})
	t.Run("in a hold", func(t *testing.T) {
		p := swarmcall(t, s.url(), "run", stepsPlan(t, "abort", "60s"))
		p.says("hold for")
		p.signal(os.Interrupt)
		p.code(130)
		p.says("interrupted; the load is stopped")
		p.says("stop: complete, 2 of 2 acked")
	})
	t.Run("by SIGTERM", func(t *testing.T) {
		p := swarmcall(t, s.url(), "ramp", "--from", "0", "--to", "1000", "--step", "1", "--every", "20ms")
		p.says("step 3/1001")
		p.signal(syscall.SIGTERM)
		p.code(130)
		p.says("stop: complete, 2 of 2 acked")
	})
}

func TestPlanInterruptedWhileACommandIsOpen(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2")
	drivers["d-2"].set("hold")
	p := swarmcall(t, s.url(), "run", planFile(t, "deadline: 20s\nstages: [{set: {players: 1}}]"))
	if !drivers["d-1"].until("players 1") {
		t.Fatal("d-1 does not get it")
	}
	p.signal(os.Interrupt)
	if !drivers["d-1"].until("stop") {
		t.Fatal("no stop comes")
	}
	drivers["d-2"].set("")
	p.code(130)
	p.says("interrupted; the load is stopped")
	sameLog(t, s.url(), "players 1", "stop")
}

// TestPlanInterruptedWithoutAServer: that the stop did not get through is said loudly.
func TestPlanInterruptedWithoutAServer(t *testing.T) {
	s, _ := newWorld(t, "d-1", "d-2")
	p := swarmcall(t, s.url(), "run", "--retry-for", "1s", stepsPlan(t, "abort", "60s"))
	p.says("hold for")
	if err := s.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.signal(os.Interrupt)
	p.code(130)
	p.says("THE LOAD MAY STILL BE ON")
	p.says("swarmcall stop --yes")
}

func TestRamp(t *testing.T) {
	s, _ := newWorld(t, "d-1")
	p := swarmcall(t, s.url(), "ramp", "--from", "5", "--to", "1", "--step", "3", "--every", "10ms")
	p.code(0)
	p.says("the load is left on")
	sameLog(t, s.url(), "players 5", "players 2", "players 1")
	swarmcall(t, s.url(), "ramp", "--from", "1", "--to", "1", "--step", "1", "--every", "10ms", "--hold", "10ms").code(0)
	sameLog(t, s.url(), "players 5", "players 2", "players 1", "players 1", "stop")
	swarmcall(t, s.url(), "ramp", "--from", "1", "--to", "2", "--step", "0", "--every", "10ms").code(2)
}

// TestPlanInterruptedAtAnyMoment: wherever the signal falls, before, in or after a command, the last word in the log is a stop, and the
// run says what it did.
func TestPlanInterruptedAtAnyMoment(t *testing.T) {
	s, _ := newWorld(t, "d-1", "d-2")
	for i := range 20 {
		before := len(logged(t, s.url()))
		p := swarmcall(t, s.url(), "ramp", "--from", "0", "--to", "1000", "--step", "1", "--every", "1ms")
		p.says("run run-")
		for range i { // falls a little later each time: how long a look at the server takes
			swarmcall(t, s.url(), "config", "view").code(0)
		}
		p.signal(os.Interrupt)
		p.code(130)
		log := logged(t, s.url())
		switch said := p.err.String(); {
		case strings.Contains(said, "the load is stopped"):
			if len(log) == before || log[len(log)-1] != "stop" {
				t.Errorf("it says that it stopped, and the log ends with %q", log[before:])
			}
		case strings.Contains(said, "nothing to stop"):
			if len(log) != before {
				t.Errorf("it says that it sent nothing, and the log has %q", log[before:])
			}
		default:
			t.Errorf("it does not say what became of the load:\n%s", said)
		}
	}
}

// TestPlanOutlivesItsReaders: when nobody reads any more what a run says, its load is stopped all the same: at its end, or by Ctrl-C,
// which ends the reader of a pipeline too.
func TestPlanOutlivesItsReaders(t *testing.T) {
	for name, tc := range map[string]struct {
		hold string
		code int
	}{"to its end": {"300ms", 0}, "and is interrupted": {"60s", 130}} {
		t.Run(name, func(t *testing.T) {
			s, drivers := newWorld(t, "d-1", "d-2")
			r, w, err := os.Pipe()
			if err != nil {
				t.Fatal(err)
			}
			p := exec.Command(filepath.Join(binaries, "swarmcall"), "run", stepsPlan(t, "abort", tc.hold))
			p.Stdout, p.Stderr, p.Env, p.Dir = w, w, environment(t.TempDir(), s.url()), t.TempDir()
			if err := p.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = p.Process.Kill() })
			_ = w.Close()
			if _, err := io.ReadFull(r, make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			_ = r.Close()
			if !drivers["d-1"].until("players 1") {
				t.Fatal("d-1 gets no load")
			}
			if tc.code != 0 {
				_ = p.Process.Signal(os.Interrupt)
			}
			_ = p.Wait()
			if got := p.ProcessState.ExitCode(); got != tc.code {
				t.Errorf("exit code %d, want %d", got, tc.code)
			}
			if log := logged(t, s.url()); log[len(log)-1] != "stop" {
				t.Errorf("the log has %q", log)
			}
		})
	}
}

// freezable starts a driver that can be cut off from the server without a word.
func freezable(t *testing.T, s *server, id string) *freezer.Freezer {
	t.Helper()
	f := freezer.New()
	d, err := startDriverBy(f.Client(), s.url(), id, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		f.Cut()
		_ = d.end()
	})
	return f
}

func isStale(t *testing.T, s *server, id string) {
	t.Helper()
	for limit := time.Now().Add(patience); ; {
		p := swarmcall(t, s.url(), "drivers", "list", "-o", "jsonl")
		p.code(0)
		if l := lines(p.out.String(), `"driver_id":"`+id+`"`); len(l) == 1 && strings.Contains(l[0], `"state":"stale"`) {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%s does not become stale:\n%s", id, p.out)
		}
	}
}

const oneStep = "name: one\nmin_drivers: 2\ndeadline: 300ms\nrejoin: 300ms\nstages: [{set: {players: 5}}, {hold: %HOLD%}]"

// TestPlanStopsWithoutADriver: a driver that was lost in the last hold still runs load. The others are stopped, however few, and it is
// named: the end must not be called well, nor the load stopped.
func TestPlanStopsWithoutADriver(t *testing.T) {
	for name, want := range map[string]int{"at its end": 3, "by Ctrl-C": 130} {
		t.Run(name, func(t *testing.T) {
			s, drivers := newWorld(t, "d-1")
			f := freezable(t, s, "px1")
			hold := map[int]string{3: "3s", 130: "60s"}[want]
			p := swarmcall(t, s.url(), "run", planFile(t, strings.ReplaceAll(oneStep, "%HOLD%", hold)))
			p.says("hold for")
			f.Freeze()
			isStale(t, s, "px1")
			if want == 130 {
				p.signal(os.Interrupt)
				p.says("stopping the load; a second Ctrl-C leaves at once")
			}
			p.code(want)
			p.says("THE LOAD MAY STILL BE ON: px1 (stale, last seen with ")
			p.says("was not reached; it is stopped when it is back")
			if strings.Contains(p.err.String(), "the load is stopped") {
				t.Errorf("it says that the load is stopped:\n%s", p.err)
			}
			if got := drivers["d-1"].commands(); got[len(got)-1] != "stop" {
				t.Errorf("d-1 applied %q", got)
			}
		})
	}
	t.Run("and it comes back", func(t *testing.T) {
		s, _ := newWorld(t, "d-1")
		f := freezable(t, s, "px1")
		p := swarmcall(t, s.url(), "run", planFile(t, strings.NewReplacer("%HOLD%", "2s", "rejoin: 300ms", "rejoin: 60s").Replace(oneStep)))
		p.says("hold for")
		f.Freeze()
		p.says("the stop has not reached px1; waiting")
		f.Cut()
		p.code(0)
	})
	t.Run("that has left in order", func(t *testing.T) {
		s, drivers := newWorld(t, "d-1", "d-2")
		p := swarmcall(t, s.url(), "run", planFile(t, strings.ReplaceAll(oneStep, "%HOLD%", "1s")))
		p.says("hold for")
		if err := drivers["d-2"].end(); err != nil {
			t.Fatal(err)
		}
		p.code(0)
	})
}

// TestPlanThroughARestartInTheLastHold: a server that was away has forgotten its drivers. Those that are not back run on, which is said.
func TestPlanThroughARestartInTheLastHold(t *testing.T) {
	restart := func(t *testing.T, s *server, p *process) {
		t.Helper()
		p.says("hold for")
		if err := s.end(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		p.says("trying again in")
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
	}
	t.Run("and all come back", func(t *testing.T) {
		s, drivers := newWorld(t, "d-1", "d-2")
		p := swarmcall(t, s.url(), "run", planFile(t, strings.ReplaceAll(oneStep, "%HOLD%", "2s")))
		restart(t, s, p)
		p.code(0)
		for id, d := range drivers {
			if got := d.commands(); got[len(got)-1] != "stop" {
				t.Errorf("%s applied %q", id, got)
			}
		}
	})
	t.Run("and one does not", func(t *testing.T) {
		s, _ := newWorld(t, "d-1")
		f := freezable(t, s, "px1")
		p := swarmcall(t, s.url(), "run", planFile(t, strings.ReplaceAll(oneStep, "%HOLD%", "60s")))
		p.says("hold for")
		f.Freeze()
		restart(t, s, p)
		swarmcall(t, s.url(), "wait", "drivers", "1", "--timeout", "60s").code(0)
		p.signal(os.Interrupt)
		p.code(130)
		p.says("THE LOAD MAY STILL BE ON: px1 (not back since the server was away) was not reached")
	})
}

// TestPlanLeftByASecondCtrlC: who does not wait for the stop is told what that means.
func TestPlanLeftByASecondCtrlC(t *testing.T) {
	s, _ := newWorld(t, "d-1", "d-2")
	p := swarmcall(t, s.url(), "run", stepsPlan(t, "abort", "60s"))
	p.says("hold for")
	if err := s.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.signal(os.Interrupt)
	p.says("stopping the load; a second Ctrl-C leaves at once, with the load on")
	p.signal(os.Interrupt)
	p.code(130)
	p.says("THE LOAD MAY STILL BE ON")
	p.says("swarmcall stop --yes")
}

// TestPlanYieldsAPart: who commands some of the drivers ends the run; that the others run on is said.
func TestPlanYieldsAPart(t *testing.T) {
	s, _ := newWorld(t, "d-1", "d-2")
	p := swarmcall(t, s.url(), "run", stepsPlan(t, "abort", "500ms"))
	p.says("hold for")
	swarmcall(t, s.url(), "stop", "--driver", "d-1").code(0)
	p.code(9)
	p.says("THE LOAD OF THIS RUN IS STILL ON, on 1 drivers that the other command did not concern: d-2")
	p.says("swarmcall stop --driver d-2")
	sameLog(t, s.url(), "set_spawn_delay_ms", "players 1", "stop")
}

// TestPlanWithoutLoadRaisesNoAlarm: what the server refused is no load.
func TestPlanWithoutLoadRaisesNoAlarm(t *testing.T) {
	s, _ := newWorld(t, "d-1")
	p := swarmcall(t, s.url(), "run", planFile(t, "rejoin: 300ms\ntarget: {driver_ids: [nobody]}\nstages: [{set: {players: 1}}]"))
	p.code(6)
	p.says("no load was commanded")
	if strings.Contains(p.err.String(), "STILL BE ON") {
		t.Errorf("a false alarm:\n%s", p.err)
	}
	sameLog(t, s.url())
}

// TestPlanFromStdin: - is what a pipe brings.
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
