package proxy

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// built has the directory of the server and the command line, once a test has needed them.
var built struct {
	sync.Once
	dir string
	err error
}

func binary(t *testing.T, name string) string {
	t.Helper()
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "proxy-"); built.err == nil {
			built.err = proctest.Build("", built.dir, map[string]string{
				"swarmcall": "../../cmd/swarmcall", "swarmcall-server": "../../cmd/server",
			})
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, name)
}

func removeBinaries() {
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
}

// cli is a command line with nothing of this machine's settings.
type cli struct {
	*proctest.Process

	t *testing.T
}

func startCLI(t *testing.T, env []string, args ...string) *cli {
	t.Helper()
	cmd := exec.Command(binary(t, "swarmcall"), args...)
	cmd.Dir, cmd.Env = t.TempDir(), slices.Concat(env, []string{"HOME=" + t.TempDir()})
	p, err := proctest.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("swarmcall %s:\n%s%s", strings.Join(args, " "), p.Out, p.Err)
		}
	})
	return &cli{p, t}
}

// says waits until an output contains one of some words.
func (c *cli) says(o *proctest.Output, words ...string) {
	c.t.Helper()
	found := func(said string) bool {
		return slices.ContainsFunc(words, func(word string) bool { return strings.Contains(said, word) })
	}
	if !o.Until(found, c.Ended, patience) {
		c.t.Fatalf("%v does not say %q", c.Cmd.Args[1:], words)
	}
}

// code waits for the end and wants this exit code.
func (c *cli) code(want int) {
	c.t.Helper()
	if !c.EndsWithin(2 * patience) {
		c.t.Fatalf("%v does not end", c.Cmd.Args[1:])
	}
	if got := c.Code(); got != want {
		c.t.Fatalf("%v: exit code %d, want %d", c.Cmd.Args[1:], got, want)
	}
}

// local is a name of the proxy that programs can resolve.
const local = "localhost"

// TestProgramsBehindProxies uses the programs as the page says, behind each proxy and below a path. While the server
// restarts, the proxy answers for it; a driver, a plan and a watch go on.
func TestProgramsBehindProxies(t *testing.T) {
	for program := range programs {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			find(t, program)
			p := newPlace(t)
			p.host = local
			_, port, _ := net.SplitHostPort(p.addr)
			at := "https://" + local + ":" + port + "/swarmcall"
			dir := t.TempDir()
			p.upstream = "127.0.0.1:0"
			server := startServer(t, p, dir, at)
			p.upstream = server.Addr
			run(t, programs[program](t, p, configuration(t, program, "path")), p.addr)

			env := []string{"SSL_CERT_FILE=" + p.crt, "SWARMCALL_URL=" + at + "/"}
			d := startCLI(t, env, "drive", "http", "--url", at+"/", "--driver-id", "d-1", "--target", target(t))
			startCLI(t, env, "wait", "drivers", "1").code(0)
			withoutSlash(t, p, at)
			watch := startCLI(t, env, "commands", "watch", "--retry-for", "60s")
			watch.says(watch.Err, "watching")
			startCLI(t, env, "players", "set", "3", "--deadline", "30s").code(0)
			watch.says(watch.Out, "set_players 3: complete, 1 of 1 acked")

			plan := filepath.Join(t.TempDir(), "plan.yaml")
			const stages = "deadline: 30s\nrejoin: 60s\n" +
				"stages: [{set: {players: 4}}, {hold: 2s}, {set: {players: 5}}]\n"
			if err := os.WriteFile(plan, []byte(stages), 0o600); err != nil {
				t.Fatal(err)
			}
			planned := startCLI(t, env, "run", plan, "--retry-for", "60s")
			planned.says(planned.Err, "hold for")
			server.Kill()
			badGateway := []string{
				"a proxy or another server answered 502", "a proxy or another server answered 503",
			}
			planned.says(planned.Err, badGateway...)
			watch.says(watch.Err, badGateway...)
			startCLI(t, env, "drivers", "list", "--retry-for", "0").code(8)
			startServer(t, p, dir, at)
			planned.code(0)
			watch.says(watch.Out, "set_players 5: complete, 1 of 1 acked")
			d.Signal(syscall.SIGTERM)
			d.code(0)
		})
	}
}

// startServer starts the server as the page says, at the address that the proxy knows.
func startServer(t *testing.T, p *place, dir, at string) *proctest.Server {
	t.Helper()
	server, err := proctest.StartServer(exec.Command(binary(t, "swarmcall-server"), "--listen", p.upstream,
		"--data-dir", dir, "--public-url", at+"/", "--trusted-proxies", "127.0.0.1"), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	return server
}

// withoutSlash requests the path that people type: the dashboard is there.
func withoutSlash(t *testing.T, p *place, at string) {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12}}
	defer transport.CloseIdleConnections()
	resp, err := (&http.Client{Transport: transport}).Get(at)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if last := strings.TrimSuffix(resp.Request.URL.String(), "/"); resp.StatusCode != http.StatusOK || last != at ||
		!strings.Contains(string(page), `id="stop-dialog"`) {
		t.Errorf("%s led to %s: %s\n%s", at, resp.Request.URL, resp.Status, page)
	}
}

// target is something to load.
func target(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select { // else a few players take the whole machine
		case <-r.Context().Done():
		case <-time.After(20 * time.Millisecond):
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(s.Close)
	return s.URL
}
