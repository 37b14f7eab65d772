package cli

import (
	"os"
	"strings"
	"syscall"
	"testing"
)

// TestWatchThroughARestart: the stream continues where it was cut, and repeats nothing.
func TestWatchThroughARestart(t *testing.T) {
	s, _ := newWorld(t, "d-1")
	w := swarmcall(t, s.url(), "commands", "watch", "--after", "0", "--retry-for", "30s", "-o", "jsonl")
	swarmcall(t, s.url(), "players", "set", "1").code(0)
	w.prints(`"seq":`)
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	w.says("trying again in")
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	swarmcall(t, s.url(), "wait", "drivers", "1").code(0)
	swarmcall(t, s.url(), "players", "set", "2").code(0)
	w.prints(`"players":2`)
	w.signal(os.Interrupt)
	w.code(0)
	if n := len(lines(w.Out.String(), `"event":"issued"`)); n != 2 {
		t.Errorf("%d commands were told, want 2:\n%s", n, w.Out)
	}
}

// TestInterruptedWhileItWaits: the message names what continues without the client, and the exit code.
func TestInterruptedWhileItWaits(t *testing.T) {
	s, drivers := newWorld(t, "d-1")
	drivers["d-1"].set("hold")
	p := swarmcall(t, s.url(), "players", "set", "1", "--deadline", "60s", "--debug")
	p.says("202 Accepted")
	p.signal(os.Interrupt)
	p.code(130)
	if !strings.Contains(p.Err.String(), "continues on the server") ||
		!strings.Contains(p.Err.String(), "swarmcall commands show") {
		t.Errorf("%s", p.Err)
	}
}

// TestAServerThatComesLate: a pipeline may start its server and its command at the same time.
func TestAServerThatComesLate(t *testing.T) {
	s, err := startServer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.end(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	p := swarmcall(t, s.url(), "wait", "drivers", "1", "--timeout", "60s")
	p.says("trying again in")
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	d, err := startDriver(s.url(), "d-1", nil)
	if err != nil {
		t.Fatal(err)
	}
	p.code(0)
	if err := d.end(); err != nil {
		t.Error(err)
	}
	if err := s.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}
