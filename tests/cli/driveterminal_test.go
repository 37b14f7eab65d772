package cli

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/testenv"
)

// TestDriveOnATerminal: the status line stays in place, and the output of the program is above it.
func TestDriveOnATerminal(t *testing.T) {
	s, _ := newWorld(t)
	const program = `while read -r line; do
		id=$(printf '%s' "$line" | sed -n 's/.*"id":\([0-9]*\).*/\1/p')
		echo "{\"type\":\"state\",\"players\":20,\"metrics\":{\"rps\":95,\"errors_per_s\":0}}"
		echo "taken $id" >&2
		echo "{\"type\":\"ack\",\"id\":$id}"
	done`
	screen := onTerminal(t, s.url(), "drive", "exec", "--driver-id", "locust-1", "--", "sh", "-c", program)
	screen.shows("locust-1 connected, 0 players")
	swarmcall(t, s.url(), "players", "set", "20").code(0)
	shown := screen.shows("taken 1", "locust-1 connected, 20/20 players, 95 req/s, 0 errors")
	for _, line := range strings.Split(shown, "\n") {
		if strings.Contains(line, "taken") && strings.TrimSpace(line) != "taken 1" {
			t.Errorf("the message is within a line: %q", line)
		}
	}
	if strings.Count(shown, "locust-1 connected") != 1 {
		t.Errorf("the line stands there more than once:\n%s", shown)
	}
	screen.types("\x03")
	screen.code(130)
}

// TestATracebackIsShownOnce: with a count, and not again at the end.
func TestATracebackIsShownOnce(t *testing.T) {
	if _, err := exec.LookPath("python3"); err != nil {
		testenv.SkipOrFail(t, "%v", err)
	}
	s, _ := newWorld(t)
	const program = `
import sys, traceback
def request():
    raise ValueError("no such page")
for _ in range(50):
    try:
        request()
    except ValueError:
        traceback.print_exc()
sys.stdin.readline()
request()
`
	p := swarmcall(t, s.url(), "drive", "exec", "--driver-id", "d-1", "--linger", "0s", "--", "python3", "-c", program)
	swarmcall(t, s.url(), "wait", "drivers", "1").code(0)
	swarmcall(t, s.url(), "players", "set", "5").code(5)
	p.code(1)
	said := p.Err.String()
	if n := strings.Count(said, "Traceback"); n != 2 { // of the loop, and of the end
		t.Errorf("%d tracebacks:\n%s", n, said)
	}
	for _, want := range []string{"ValueError: no such page; 2 times so far)", "; 11 times so far)",
		"the generator has ended, so the driver ended too"} {
		if strings.Count(said, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, said)
		}
	}
}
