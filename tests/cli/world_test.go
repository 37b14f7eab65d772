package cli

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// newWorld starts a server and drivers, which end with the test.
func newWorld(t *testing.T, ids ...string) (*server, map[string]*swarmDriver) {
	t.Helper()
	s, err := startServer(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	drivers := map[string]*swarmDriver{}
	t.Cleanup(func() {
		for _, d := range drivers {
			_ = d.end()
		}
		_ = s.end(syscall.SIGKILL)
	})
	for _, id := range ids {
		if drivers[id], err = startDriver(s.url(), id, nil); err != nil {
			t.Fatal(err)
		}
	}
	return s, drivers
}

// process is a command line that runs while the test does something else.
type process struct {
	*proctest.Process

	t *testing.T
}

func swarmcall(t *testing.T, url string, args ...string) *process {
	t.Helper()
	return start(t, exec.Command(filepath.Join(binaries, "swarmcall"), args...), url)
}

// start starts a command line that may have writers of its own.
func start(t *testing.T, cmd *exec.Cmd, url string) *process {
	t.Helper()
	cmd.Env, cmd.Dir = environment(t.TempDir(), url), t.TempDir()
	p, err := proctest.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	return &process{p, t}
}

// says waits until stderr holds text, prints until stdout does.
func (p *process) says(text string)   { p.t.Helper(); p.until(p.Err, text) }
func (p *process) prints(text string) { p.t.Helper(); p.until(p.Out, text) }

func (p *process) until(o *proctest.Output, text string) {
	p.t.Helper()
	holds := func(said string) bool { return strings.Contains(said, text) }
	if !o.Until(holds, p.Ended, patience) {
		p.t.Fatalf("it does not say %q (ended: %v):\n%s\n%s", text, p.Over(), p.Out, p.Err)
	}
}

// code waits for the end and wants its exit code.
func (p *process) code(want int) {
	p.t.Helper()
	if !p.EndsWithin(2 * patience) {
		p.t.Fatalf("it does not end:\n%s", p.Err)
	}
	if got := p.Code(); got != want {
		p.t.Fatalf("exit code %d, want %d:\n%s", got, want, p.Err)
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.Cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// logged returns the log as words, oldest first.
func logged(t *testing.T, url string) (words []string) {
	t.Helper()
	p := swarmcall(t, url, "commands", "list", "--oldest", "--limit", "0", "-o", "jsonl")
	p.code(0)
	for line := range strings.Lines(p.Out.String()) {
		var e struct {
			Submitter string
			Command   struct {
				Type    string
				Players *int64
				Note    string
			}
		}
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		word := e.Command.Type
		if e.Command.Players != nil {
			word = "players " + string(mustJSON(t, *e.Command.Players))
		}
		words = append(words, word)
	}
	return words
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func planFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
