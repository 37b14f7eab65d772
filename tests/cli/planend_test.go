package cli

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/tests/freezer"
)

// freezable starts a driver that can be cut off from the server without a close.
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
		if l := lines(p.Out.String(), `"driver_id":"`+id+`"`); len(l) == 1 &&
			strings.Contains(l[0], `"state":"stale"`) {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%s does not become stale:\n%s", id, p.Out)
		}
	}
}

const oneStep = "name: one\nmin_drivers: 2\ndeadline: 2s\nrejoin: 300ms\nstages: [{set: {players: 5}}, {hold: %HOLD%}]"

// TestPlanStopsWithoutADriver: a driver that was lost in the last hold still runs load. The others are stopped, however
// few, and it is named: the run must report neither success nor that the load is stopped.
func TestPlanStopsWithoutADriver(t *testing.T) {
	for name, want := range map[string]int{"at its end": 3, "by Ctrl-C": 130} {
		t.Run(name, func(t *testing.T) {
			s, drivers := newWorld(t, "d-1")
			f := freezable(t, s, "px1")
			hold := map[int]string{3: "6s", 130: "60s"}[want]
			rejoin := map[int]string{3: "300ms", 130: "60s"}[want] // else the hold ends before Ctrl-C
			text := strings.NewReplacer("%HOLD%", hold, "rejoin: 300ms", "rejoin: "+rejoin).Replace(oneStep)
			p := swarmcall(t, s.url(), "run", planFile(t, text))
			p.says("hold for")
			f.Freeze()
			isStale(t, s, "px1")
			if want == 130 {
				p.signal(os.Interrupt)
				p.says("stopping the load; a second Ctrl-C exits at once")
			}
			p.code(want)
			p.says("THE LOAD MAY STILL BE RUNNING: px1 (stale, last seen with ")
			p.says("was not reached; the server stops it when it reconnects")
			if strings.Contains(p.Err.String(), "the load is stopped") {
				t.Errorf("it says that the load is stopped:\n%s", p.Err)
			}
			if got := drivers["d-1"].commands(); got[len(got)-1] != "stop" {
				t.Errorf("d-1 applied %q", got)
			}
		})
	}
	t.Run("and it comes back", func(t *testing.T) {
		s, _ := newWorld(t, "d-1")
		f := freezable(t, s, "px1")
		patient := strings.NewReplacer("%HOLD%", "6s",
			"rejoin: 300ms", "on_missing: retry\nrejoin: 200ms\nretries: 300")
		p := swarmcall(t, s.url(), "run", planFile(t, patient.Replace(oneStep)))
		p.says("hold for")
		f.Freeze()
		p.says("waiting for px1 to reconnect")
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

// TestPlanThroughARestartInTheLastHold: a restarted server has forgotten its drivers. Those that have not reconnected
// continue to run, and the run reports it.
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
		p.says("THE LOAD MAY STILL BE RUNNING: px1 (not reconnected since the server was unavailable) was not reached")
	})
}

// TestPlanYieldsAPart: a command for some of the drivers ends the run, and the others are stopped.
func TestPlanYieldsAPart(t *testing.T) {
	s, _ := newWorld(t, "d-1", "d-2")
	p := swarmcall(t, s.url(), "run", stepsPlan(t, "abort", "4s"))
	p.says("hold for")
	swarmcall(t, s.url(), "stop", "--driver", "d-1").code(0)
	p.code(9)
	p.says("stopped the load of this run on 1 driver: d-2")
	p.says("left under the other command: d-1")
	sameLog(t, s.url(), "set_spawn_delay_ms", "players 1", "stop", "stop")
}

// TestPlanWithoutLoadRaisesNoAlarm: a refused command starts no load.
func TestPlanWithoutLoadRaisesNoAlarm(t *testing.T) {
	s, _ := newWorld(t, "d-1")
	p := swarmcall(t, s.url(), "run", planFile(t,
		"rejoin: 300ms\ntarget: {driver_ids: [nobody]}\nstages: [{set: {players: 1}}]"))
	p.code(6)
	p.says("no load was set")
	if strings.Contains(p.Err.String(), "STILL BE RUNNING") {
		t.Errorf("a false alarm:\n%s", p.Err)
	}
	sameLog(t, s.url())
}
