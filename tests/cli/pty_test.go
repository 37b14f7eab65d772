package cli

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"github.com/creack/pty"
)

// screen is a command line on a terminal, and what is on that terminal's screen.
type screen struct {
	t      *testing.T
	cmd    *exec.Cmd
	tty    *os.File
	mu     sync.Mutex
	term   *vt.Emulator
	raw    strings.Builder // the whole output
	seen   []string        // every screen so far
	from   int             // the first of them after the last key
	change chan struct{}
	ended  chan struct{}
}

// onTerminal runs the command line on a terminal of 100 by 30.
func onTerminal(t *testing.T, url string, args ...string) *screen {
	t.Helper()
	s := &screen{
		t: t, cmd: exec.Command(filepath.Join(binaries, "swarmcall"), args...), term: vt.NewEmulator(100, 30),
		change: make(chan struct{}), ended: make(chan struct{}),
	}
	s.cmd.Env, s.cmd.Dir = environment(t.TempDir(), url), t.TempDir()
	tty, err := pty.StartWithSize(s.cmd, &pty.Winsize{Cols: 100, Rows: 30})
	if err != nil {
		t.Fatal(err)
	}
	s.tty = tty
	answered := make(chan struct{})
	go func() { // passes on the terminal's answers to queries
		defer close(answered)
		b := make([]byte, 1024)
		for {
			n, err := s.term.Read(b)
			if err != nil {
				return
			}
			_, _ = tty.Write(b[:n])
		}
	}()
	go func() {
		defer close(s.ended)
		b := make([]byte, 64<<10)
		for {
			n, err := tty.Read(b)
			s.take(b[:n])
			if err != nil {
				_ = s.cmd.Wait()
				return
			}
		}
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.ended
		_ = s.term.InputPipe().(io.Closer).Close() // ends the reader of it; Close of the emulator would race with that
		<-answered
		_ = tty.Close()
	})
	return s
}

func (s *screen) take(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw.Write(b)
	_, _ = s.term.Write(b)
	s.seen = append(s.seen, s.term.String())
	close(s.change)
	s.change = make(chan struct{})
}

// shows waits until one screen has all the texts, and returns it.
func (s *screen) shows(texts ...string) string {
	s.t.Helper()
	limit := time.After(patience)
	for {
		s.mu.Lock()
		change, seen := s.change, s.seen
		s.mu.Unlock()
		for at := s.from; at < len(seen); at++ {
			if containsAll(seen[at], texts) {
				return seen[at]
			}
		}
		select {
		case <-change:
		case <-limit:
			s.t.Fatalf("the screen never shows %q:\n%s", texts, s.term.String())
		}
	}
}

func containsAll(s string, texts []string) bool {
	for _, text := range texts {
		if !strings.Contains(s, text) {
			return false
		}
	}
	return true
}

// types presses keys. From then on, shows looks only at later screens.
func (s *screen) types(keys string) {
	s.t.Helper()
	s.mu.Lock()
	s.from = len(s.seen)
	s.mu.Unlock()
	if _, err := s.tty.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// code waits for the end and wants its exit code.
func (s *screen) code(want int) {
	s.t.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.t.Fatalf("it does not end:\n%s", s.term.String())
	}
	if got := s.cmd.ProcessState.ExitCode(); got != want {
		s.t.Fatalf("exit code %d, want %d:\n%s", got, want, s.raw.String())
	}
}
