package cli

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hungSwarm is a server with six drivers that are processes, three of which can be suspended.
func hungSwarm(t *testing.T) (*server, *httptest.Server, []*exec.Cmd) {
	t.Helper()
	s, err := startServer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	var drivers []*exec.Cmd
	t.Cleanup(func() {
		for _, c := range drivers {
			_ = c.Process.Kill() // a stopped process reacts to no other signal
			_ = c.Wait()
		}
		target.Close()
		_ = s.end(syscall.SIGKILL)
	})
	for i := range 6 {
		c := exec.Command(filepath.Join(binaries, "swarmcall"),
			"demo-driver", "--url", s.url(), "--id", fmt.Sprintf("d-%d", i+1), "--target", target.URL)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		drivers = append(drivers, c)
	}
	swarmcall(t, s.url(), "wait", "drivers", "6").code(0)
	swarmcall(t, s.url(), "spawn-delay", "set", "0s").code(0)
	return s, target, drivers
}

// hang suspends three drivers with SIGSTOP, and waits until they are stale.
func hang(t *testing.T, s *server, drivers []*exec.Cmd) {
	t.Helper()
	for _, c := range drivers[3:] {
		if err := c.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
	}
	counts(t, s, "3 active, 3 stale")
}

// counts waits until the roster has so many drivers in each state.
func counts(t *testing.T, s *server, want string) {
	t.Helper()
	eventually(t, s, want, "drivers", "list")
}

// eventually repeats the request until the answer is correct.
func eventually(t *testing.T, s *server, want string, args ...string) *process {
	t.Helper()
	for limit := time.Now().Add(patience); ; {
		p := swarmcall(t, s.url(), args...)
		p.code(0)
		if strings.Contains(p.Err.String(), want) {
			return p
		}
		if time.Now().After(limit) {
			t.Fatalf("%s is not there:\n%s", want, p.Err)
		}
	}
}

const tenEach = "name: ten\nrejoin: 300ms\non_missing: %POLICY%\nstages: [{set: {players: 10}}, {hold: %HOLD%}]"

func tenPlan(t *testing.T, policy, hold string) string {
	t.Helper()
	return planFile(t, strings.NewReplacer("%POLICY%", policy, "%HOLD%", hold).Replace(tenEach))
}

// TestHungDriversAreUnknown: the load of three hung drivers out of six is unknown on every surface, and no call
// succeeds because of their last reports.
func TestHungDriversAreUnknown(t *testing.T) {
	s, _, drivers := hungSwarm(t)
	p := swarmcall(t, s.url(), "run", tenPlan(t, "abort", "60s"))
	p.says("hold for")
	hang(t, s, drivers)
	p.code(3)
	p.says("30 of 60 players run, 3 drivers unknown")
	p.says("on target for ")
	p.says("3 of 6 drivers are missing: state unknown for d-4, d-5, d-6")
	p.says("THE LOAD MAY STILL BE RUNNING: d-4 (stale")

	state := eventually(t, s, "3 converged, 0 drifting, 3 unknown", "state")
	state.prints("d-4\tunknown\tstale,not_reported\tset_spawn_delay_ms 0, stop\t?\t?")

	total := swarmcall(t, s.url(), "players", "set", "60", "--total")
	total.code(3)
	total.says("3 of 6 acked")
	total.says("3 left out (stale)")
	total.says("d-4 left out: stale")
	swarmcall(t, s.url(), "players", "set", "60", "--total", "--allow-missing", "50%").code(0)
	swarmcall(t, s.url(), "players", "set", "60", "--total", "--allow-missing", "2").code(3)
	dry := swarmcall(t, s.url(), "players", "set", "60", "--total", "--dry-run")
	dry.code(0)
	dry.says("would go to 3 drivers, 3 left out (stale)")

	waits := swarmcall(
		t,
		s.url(),
		"players",
		"set",
		"7",
		"--allow-missing",
		"2",
		"--wait",
		"converged",
		"--timeout",
		"2s",
	)
	waits.code(3)
	allowed := swarmcall(
		t,
		s.url(),
		"players",
		"set",
		"7",
		"--allow-missing",
		"3",
		"--wait",
		"converged",
		"--timeout",
		"30s",
	)
	allowed.code(0)
	allowed.says("converged: 3 drivers report it, 21 players")

	again := swarmcall(
		t,
		s.url(),
		"players",
		"set",
		"8",
		"--allow-missing",
		"3",
		"--wait",
		"converged",
		"--timeout",
		"60s",
		"-o",
		"name",
	)
	again.code(0)
	for _, c := range drivers[3:] {
		if err := c.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	counts(t, s, "6 active")
	show := swarmcall(t, s.url(), "commands", "show", strings.TrimSpace(again.Out.String()))
	show.code(0)
	show.prints("d-4\tleft out\t-\tstale")
	all := swarmcall(t, s.url(), "players", "set", "9", "--wait", "converged")
	all.code(0)
	all.says("converged: 6 drivers report it, 54 players")
}

// TestHungWhileWaitedFor: drivers that ack and then hang are not converged, however long one waits.
func TestHungWhileWaitedFor(t *testing.T) {
	s, _, drivers := hungSwarm(t)
	swarmcall(t, s.url(), "players", "set", "10", "--wait", "converged").code(0)
	swarmcall(t, s.url(), "players", "set", "10", "--idempotency-key", "one").code(0)
	hang(t, s, drivers)
	waits := swarmcall(
		t,
		s.url(),
		"players",
		"set",
		"10",
		"--idempotency-key",
		"one",
		"--wait",
		"converged",
		"--timeout",
		"2s",
	)
	waits.code(7)
	waits.says("3 of 6 drivers report it, 3 unknown")
	waits.says("30 of 60 players run, 3 drivers unknown")
	waits.says("d-4 unknown: stale or disconnected")
}

// TestHungDriversUnderContinue: the run continues, reports it once, and does not succeed.
func TestHungDriversUnderContinue(t *testing.T) {
	s, _, drivers := hungSwarm(t)
	p := swarmcall(t, s.url(), "run", tenPlan(t, "continue", "9s"))
	p.says("hold for")
	hang(t, s, drivers)
	p.code(3)
	if n := len(lines(p.Err.String(), "going on without d-4, d-5, d-6")); n != 1 {
		t.Errorf("it says so %d times:\n%s", n, p.Err)
	}
	p.says(" of 9.")
	p.says("30 of 60 players run, 3 drivers unknown")
}

// TestHungDriversThatReturn: with the policy retry, the run waits for them and succeeds.
func TestHungDriversThatReturn(t *testing.T) {
	s, _, drivers := hungSwarm(t)
	text := strings.NewReplacer("%POLICY%", "retry\nretries: 300", "%HOLD%", "6s").Replace(tenEach)
	p := swarmcall(t, s.url(), "run", planFile(t, text))
	p.says("hold for")
	hang(t, s, drivers)
	p.says("waiting for d-4, d-5, d-6 to reconnect")
	for _, c := range drivers[3:] {
		if err := c.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
	}
	p.code(0)
	p.says("60 of 60 players run, on 6 drivers")
}
