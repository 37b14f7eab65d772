package cli

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// TestHangUpStopsTheLoad: a plan whose terminal is closed stops its load as on Ctrl-C. A closed terminal sends SIGHUP
// more than once, from the kernel and from the shell.
func TestHangUpStopsTheLoad(t *testing.T) {
	for name, args := range map[string]func(t *testing.T) []string{
		"run": func(t *testing.T) []string { return []string{"run", stepsPlan(t, "abort", "60s")} },
		"ramp": func(*testing.T) []string {
			return []string{"ramp", "--from", "1", "--to", "1", "--step", "1", "--every", "1s", "--hold", "60s"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, drivers := newWorld(t, "d-1", "d-2")
			p := swarmcall(t, s.url(), args(t)...)
			p.says("hold for")
			drivers["d-2"].set("hold") // the Stop stays open until this driver acks
			p.signal(syscall.SIGHUP)
			if !drivers["d-1"].until("stop") {
				t.Fatal("no stop comes")
			}
			for range 3 { // the process survives each
				p.signal(syscall.SIGHUP)
				p.swallowed(syscall.SIGHUP)
			}
			drivers["d-2"].set("")
			p.code(130)
			p.says("stop: complete, 2 of 2 acked")
		})
	}
}

// swallowed waits until the process has received a signal: the kernel merges two that are pending.
func (p *process) swallowed(s syscall.Signal) {
	p.t.Helper()
	for limit := time.After(patience); ; {
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid))
		if err != nil {
			testenv.SkipOrFail(p.t, "pending signals cannot be read: %v", err)
		}
		var pending uint64
		for line := range strings.Lines(string(status)) {
			if value, ok := strings.CutPrefix(line, "ShdPnd:"); ok {
				pending, _ = strconv.ParseUint(strings.TrimSpace(value), 16, 64)
			}
		}
		if pending&(1<<(s-1)) == 0 {
			return
		}
		select {
		case <-limit:
			p.t.Fatal("the signal is not taken")
		default:
		}
	}
}

// TestAClosedTerminalStopsTheLoad: the load is stopped although the output cannot be written any more.
func TestAClosedTerminalStopsTheLoad(t *testing.T) {
	s, drivers := newWorld(t, "d-1", "d-2")
	screen := onTerminal(t, s.url(), "run", stepsPlan(t, "abort", "60s"))
	screen.shows("hold for")
	if err := screen.tty.Close(); err != nil {
		t.Fatal(err)
	}
	for id, d := range drivers {
		if !d.until("stop") {
			t.Errorf("%s is not stopped", id)
		}
	}
}

// TestServerOutlivesAHangUp: the server reloads its files on SIGHUP, has none here, and continues.
func TestServerOutlivesAHangUp(t *testing.T) {
	s, _ := newWorld(t, "d-1")
	for range 3 {
		if err := s.Cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	p := swarmcall(t, s.url(), "players", "set", "5")
	p.until(s.Err, "there is no file to reload")
	p.code(0)
}

// TestAReaderThatEndsDoesNotEndTheDriver: in "drive … | head -1" the driver's load would otherwise end without a
// message to the server.
func TestAReaderThatEndsDoesNotEndTheDriver(t *testing.T) {
	s, _ := newWorld(t)
	out, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(filepath.Join(binaries, "swarmcall"), "drive", "exec", "--driver-id", "d-1", "--", "cat")
	cmd.Stdout = theirs
	p := start(t, cmd, s.url())
	_ = theirs.Close()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	_ = out.Close()
	swarmcall(t, s.url(), "wait", "drivers", "1").code(0) // connected: a line that nobody reads
	p.signal(syscall.SIGTERM)                             // more of them
	p.code(0)
	swarmcall(t, s.url(), "drivers", "show", "d-1").code(1) // it has deregistered
}
