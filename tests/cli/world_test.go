package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
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
	t     *testing.T
	cmd   *exec.Cmd
	out   *watched
	err   *watched
	ended chan struct{}
}

// watched is output that a test can wait for.
type watched struct {
	mu     sync.Mutex
	b      bytes.Buffer
	change chan struct{}
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	close(w.change)
	w.change = make(chan struct{})
	return w.b.Write(p)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

func newWatched() *watched { return &watched{change: make(chan struct{})} }

func swarmcall(t *testing.T, url string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(filepath.Join(binaries, "swarmcall"), args...), out: newWatched(), err: newWatched(), ended: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env, p.cmd.Dir = p.out, p.err, environment(t.TempDir(), url), t.TempDir()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
	})
	return p
}

// says waits until stderr holds text, prints until stdout does.
func (p *process) says(text string)   { p.t.Helper(); p.until(p.err, text) }
func (p *process) prints(text string) { p.t.Helper(); p.until(p.out, text) }

func (p *process) until(w *watched, text string) {
	p.t.Helper()
	limit := time.After(patience)
	for {
		w.mu.Lock()
		change, found := w.change, strings.Contains(w.b.String(), text)
		w.mu.Unlock()
		if found {
			return
		}
		select {
		case <-change:
		case <-p.ended:
			if !strings.Contains(w.String(), text) {
				p.t.Fatalf("it ended without %q:\n%s\n%s", text, p.out, p.err)
			}
		case <-limit:
			p.t.Fatalf("it does not say %q:\n%s\n%s", text, p.out, p.err)
		}
	}
}

// code waits for the end and wants its exit code.
func (p *process) code(want int) {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(2 * patience):
		p.t.Fatalf("it does not end:\n%s", p.err)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != want {
		p.t.Fatalf("exit code %d, want %d:\n%s", got, want, p.err)
	}
}

func (p *process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// logged is the log, oldest first, as words.
func logged(t *testing.T, url string) (words []string) {
	t.Helper()
	p := swarmcall(t, url, "commands", "list", "--oldest", "--limit", "0", "-o", "jsonl")
	p.code(0)
	for line := range strings.Lines(p.out.String()) {
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
