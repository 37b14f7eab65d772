package process_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/failpoint"
)

// server is a real server process.
type server struct {
	addr   string
	pid    int
	ended  chan struct{} // closed when it has ended
	code   int           // exit code then, -1 for a signal
	mu     sync.Mutex
	stderr bytes.Buffer
}

// launch says how a server is started.
type launch struct {
	dir       string
	failpoint string
	args      []string
	through   []string // command that starts it, such as one that sets limits
}

var listening = regexp.MustCompile(`msg=listening addr=(\S+)`)

// start starts a server and waits until it answers. The error is of one that ended before that.
func (l launch) start(t *testing.T) (*server, error) {
	t.Helper()
	argv := append(append([]string{}, l.through...), filepath.Join(binaries, "server"), "--listen", "127.0.0.1:0", "--data-dir", l.dir,
		"--heartbeat-interval", "200ms", "--stale-after", "2s")
	cmd := exec.CommandContext(context.Background(), argv[0], append(argv[1:], l.args...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SWARMCALL_") }) // those are for the tests
	if l.failpoint != "" {
		cmd.Env = append(cmd.Env, failpoint.Env+"="+l.failpoint)
	}
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{pid: cmd.Process.Pid, ended: make(chan struct{})}
	found := make(chan string, 1)
	go func() { // ends with the process
		defer close(s.ended)
		s.read(errs, found)
		_ = cmd.Wait()
		s.code = cmd.ProcessState.ExitCode()
	}()
	t.Cleanup(s.kill)
	select {
	case s.addr = <-found: // the log is opened after that
	case <-s.ended:
	case <-time.After(patience):
	}
	alive := func() bool {
		return s.addr != "" && newClient("http://"+s.addr).get(t.Context(), "/livez", &struct{}{}) == nil
	}
	if within(patience, func() bool { return s.over() || alive() }) && !s.over() {
		return s, nil
	}
	s.kill()
	return s, fmt.Errorf("the server ended with %d before it answered: %s", s.code, s.said())
}

func (l launch) mustStart(t *testing.T) *server {
	t.Helper()
	s, err := l.start(t)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *server) read(errs io.Reader, found chan<- string) {
	for lines := bufio.NewScanner(errs); lines.Scan(); {
		s.mu.Lock()
		s.stderr.WriteString(lines.Text() + "\n")
		s.mu.Unlock()
		if m := listening.FindStringSubmatch(lines.Text()); m != nil {
			found <- m[1]
		}
	}
}

// said is what the server has written to stderr.
func (s *server) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stderr.String()
}

func (s *server) signal(sig syscall.Signal) { _ = syscall.Kill(s.pid, sig) }

// kill is kill -9. It returns when the process has ended.
func (s *server) kill() {
	if !s.over() { // or its pid may be another's by now
		s.signal(syscall.SIGKILL)
		<-s.ended
	}
}

// stop is an orderly stop.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.signal(syscall.SIGTERM)
	if !s.endsWithin(patience) {
		t.Fatalf("the server goes on after SIGTERM: %s", s.said())
	}
	if s.code != 0 {
		t.Errorf("the server ended with %d on SIGTERM: %s", s.code, s.said())
	}
}

// over reports whether the server has ended.
func (s *server) over() bool {
	select {
	case <-s.ended:
		return true
	default:
		return false
	}
}

func (s *server) endsWithin(patience time.Duration) bool {
	select {
	case <-s.ended:
		return true
	case <-time.After(patience):
		return false
	}
}

// verify runs `swarmcall log verify`, as an operator would.
func verify(t *testing.T, dir string) (out string, err error) {
	t.Helper()
	b, err := exec.CommandContext(t.Context(), filepath.Join(binaries, "swarmcall"), "log", "verify", "--data-dir", dir).CombinedOutput()
	return strings.TrimSpace(string(b)), err
}
