package compat

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// patience bounds every wait; none of these tests sleeps.
const patience = 60 * time.Second

// release is the binaries of one version.
type release struct{ name, dir string }

// server is a server process.
type server struct {
	*proctest.Server

	t   *testing.T
	url string
}

// launch starts a server on the data directory and waits until it takes commands. It returns an error if the server
// ends before.
func (r *release) launch(t *testing.T, data string, flags ...string) (*server, error) {
	t.Helper()
	args := append([]string{"--listen", "127.0.0.1:0", "--data-dir", data}, flags...)
	args = append(args, "--heartbeat-interval", "100ms", "--stale-after", "60s")
	cmd := exec.Command(filepath.Join(r.dir, "swarmcall-server"), args...)
	cmd.Env = environment(t.TempDir(), "")
	started, err := proctest.StartServer(cmd, patience)
	if started == nil {
		t.Fatal(err)
	}
	t.Cleanup(started.Kill)
	s := &server{Server: started, t: t, url: started.URL()}
	if err == nil && within(func() bool { return s.Over() || s.ready() }) && !s.Over() {
		return s, nil
	}
	return s, errors.New("the server of the " + r.name + " version does not start:\n" + s.Err.String())
}

func (r *release) serve(t *testing.T, data string, flags ...string) *server {
	t.Helper()
	s, err := r.launch(t, data, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stop is an orderly stop.
func (s *server) stop() {
	s.t.Helper()
	s.Signal(syscall.SIGTERM)
	if !s.EndsWithin(patience) {
		s.t.Fatalf("the server goes on after SIGTERM:\n%s", s.Err)
	}
	if code := s.Code(); code != 0 {
		s.t.Errorf("the server ended with %d on SIGTERM:\n%s", code, s.Err)
	}
}

func (s *server) ready() bool {
	resp, err := plain.Get(s.url + "/readyz")
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// plain is an HTTP client without kept connections.
var plain = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: patience}

// within waits until the condition holds, and reports whether it did.
func within(condition func() bool) bool {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for limit := time.After(patience); !condition(); {
		select {
		case <-tick.C:
		case <-limit:
			return condition()
		}
	}
	return true
}

// environment returns the environment of a process, without any settings of this machine.
func environment(home, url string) []string {
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "USER=tester", "NO_COLOR=1"}
	env = append(env, "PATH="+os.Getenv("PATH"))
	if url != "" {
		env = append(env, "SWARMCALL_URL="+url)
	}
	return env
}

// result is how a command line ended.
type result struct {
	code     int
	out, err string
}

// run runs the command line against a server.
func (r *release) run(t *testing.T, url string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	c := exec.CommandContext(ctx, filepath.Join(r.dir, "swarmcall"), args...)
	c.Env, c.Dir, c.Stdout, c.Stderr = environment(t.TempDir(), url), t.TempDir(), &out, &errs
	if err := c.Run(); err != nil {
		if _, exited := errors.AsType[*exec.ExitError](err); !exited {
			t.Fatal(err)
		}
	}
	return result{c.ProcessState.ExitCode(), out.String(), errs.String()}
}

// must runs the command line and wants exit code 0.
func (r *release) must(t *testing.T, url string, args ...string) result {
	t.Helper()
	got := r.run(t, url, args...)
	if got.code != 0 {
		t.Fatalf("%s swarmcall %s: exit code %d\n%s%s", r.name, strings.Join(args, " "), got.code, got.out, got.err)
	}
	return got
}

// demoDriver is a driver process of a release: `swarmcall demo-driver`, with the SDK of that release.
type demoDriver struct {
	*proctest.Process

	id string
}

// drive starts drivers against a server and waits until they are active.
func (r *release) drive(t *testing.T, url string, ids ...string) map[string]*demoDriver {
	t.Helper()
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(target.Close) // after the drivers, whose clean-up comes first
	all := map[string]*demoDriver{}
	for _, id := range ids {
		all[id] = r.driver(t, url, id, target.URL)
	}
	r.must(t, url, "wait", "drivers", "1", "--timeout", patience.String())
	if !within(func() bool { return active(url) >= len(ids) }) {
		t.Fatalf("%d of %d drivers are active", active(url), len(ids))
	}
	return all
}

func (r *release) driver(t *testing.T, url, id, target string) *demoDriver {
	t.Helper()
	cmd := exec.Command(filepath.Join(r.dir, "swarmcall"), "demo-driver", "--url", url, "--id", id, "--target", target)
	cmd.Env = environment(t.TempDir(), "")
	started, err := proctest.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(started.Kill)
	return &demoDriver{started, id}
}

// hang suspends the process, and wake resumes it.
func (d *demoDriver) hang() { d.Suspend() }
func (d *demoDriver) wake() { d.Signal(syscall.SIGCONT) }

// leave ends the driver; it deregisters.
func (d *demoDriver) leave() {
	d.Signal(syscall.SIGTERM)
	<-d.Ended
}
