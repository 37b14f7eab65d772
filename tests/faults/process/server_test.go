package process_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/swarmcall/swarmcall/internal/failpoint"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// server is a real server process.
type server struct{ *proctest.Server }

// launch says how a server is started.
type launch struct {
	dir       string
	failpoint string
	args      []string
	through   []string // command that starts it, such as one that sets limits
}

// start starts a server and waits until it answers. The error is about a server that ended before that.
func (l launch) start(t *testing.T) (*server, error) {
	t.Helper()
	argv := append(append([]string{}, l.through...), filepath.Join(binaries, "server"), "--listen", "127.0.0.1:0",
		"--data-dir", l.dir,
		"--heartbeat-interval", "200ms", "--stale-after", "2s")
	cmd := exec.CommandContext(context.Background(), argv[0], append(argv[1:], l.args...)...)
	// these variables are for the tests
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SWARMCALL_") })
	if l.failpoint != "" {
		cmd.Env = append(cmd.Env, failpoint.Env+"="+l.failpoint)
	}
	started, err := proctest.StartServer(cmd, patience)
	if started == nil {
		t.Fatal(err)
	}
	s := &server{started}
	t.Cleanup(s.Kill)
	if err != nil {
		return s, err
	}
	alive := func() bool { return newClient(s.URL()).get(t.Context(), "/livez", &struct{}{}) == nil }
	if within(patience, func() bool { return s.Over() || alive() }) && !s.Over() {
		return s, nil
	}
	s.Kill()
	return s, fmt.Errorf("the server ended with %d before it answered: %s", s.Code(), s.Err)
}

func (l launch) mustStart(t *testing.T) *server {
	t.Helper()
	s, err := l.start(t)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stop ends the server with SIGTERM.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.Signal(syscall.SIGTERM)
	if !s.EndsWithin(patience) {
		t.Fatalf("the server goes on after SIGTERM: %s", s.Err)
	}
	if code := s.Code(); code != 0 {
		t.Errorf("the server ended with %d on SIGTERM: %s", code, s.Err)
	}
}

// verify runs `swarmcall log verify`, as an operator would.
func verify(t *testing.T, dir string) (out string, err error) {
	t.Helper()
	b, err := exec.CommandContext(t.Context(), filepath.Join(binaries, "swarmcall"), "log", "verify", "--data-dir",
		dir).CombinedOutput()
	return strings.TrimSpace(string(b)), err
}
