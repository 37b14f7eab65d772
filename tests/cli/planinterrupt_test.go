package cli

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

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

// TestPlanInterruptedWithoutAServer: the run reports clearly that the stop did not get through.
func TestPlanInterruptedWithoutAServer(t *testing.T) {
	s, _ := newWorld(t, "d-1", "d-2")
	p := swarmcall(t, s.url(), "run", "--retry-for", "1s", stepsPlan(t, "abort", "60s"))
	p.says("hold for")
	if err := s.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.signal(os.Interrupt)
	p.code(130)
	p.says("THE LOAD MAY STILL BE RUNNING")
	p.says("swarmcall stop --yes")
}

// TestPlanInterruptedAtAnyMoment: whether the signal comes before, during or after a command, the last entry in the log
// is a stop, and the run reports what it did.
func TestPlanInterruptedAtAnyMoment(t *testing.T) {
	s, _ := newWorld(t, "d-1", "d-2")
	for i := range 20 {
		before := len(logged(t, s.url()))
		p := swarmcall(t, s.url(), "ramp", "--from", "0", "--to", "1000", "--step", "1", "--every", "1ms")
		p.says("run run-")
		for range i { // delays the signal a little more each time, by requests to the server
			swarmcall(t, s.url(), "config", "view").code(0)
		}
		p.signal(os.Interrupt)
		p.code(130)
		log := logged(t, s.url())
		switch said := p.Err.String(); {
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

// TestPlanOutlivesItsReaders: when no process reads the output of a run any more, its load is stopped anyway: at its
// end, or by Ctrl-C, which also ends the reader of a pipeline.
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

// TestPlanLeftByASecondCtrlC: a second Ctrl-C does not wait for the stop, and the run says what that means.
func TestPlanLeftByASecondCtrlC(t *testing.T) {
	s, _ := newWorld(t, "d-1", "d-2")
	p := swarmcall(t, s.url(), "run", stepsPlan(t, "abort", "60s"))
	p.says("hold for")
	if err := s.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p.signal(os.Interrupt)
	p.says("stopping the load; a second Ctrl-C exits at once and leaves the load running")
	p.signal(os.Interrupt)
	p.code(130)
	p.says("THE LOAD MAY STILL BE RUNNING")
	p.says("swarmcall stop --yes")
}
