package access

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/certtest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

const patience = time.Minute // limit of every wait for a process

// shop is a directory with the built programs, an auth file, tokens and a certificate, as docs/security.md makes them.
type shop struct {
	t   *testing.T
	dir string
	env []string
}

func openShop(t *testing.T) *shop {
	s := &shop{t: t, dir: t.TempDir()}
	programs := map[string]string{
		"swarmcall-server": "github.com/swarmcall/swarmcall/cmd/server", "swarmcall": "github.com/swarmcall/swarmcall/cmd/swarmcall",
	}
	if err := proctest.Build("", s.dir, programs); err != nil {
		t.Fatal(err)
	}
	authority := certtest.New(t)
	authority.Issue(certtest.Leaf{}).Write(t, s.dir)
	if err := os.WriteFile(s.path("ca.crt"), authority.PEM, 0o600); err != nil {
		t.Fatal(err)
	}
	s.env = []string{"PATH=" + s.dir + ":" + os.Getenv("PATH"), "HOME=" + s.dir, "SWARMCALL_AUTH_FILE=" + s.path("auth.yaml")}
	return s
}

func (s *shop) path(name string) string { return filepath.Join(s.dir, name) }

// run runs the CLI and returns its exit code and output.
func (s *shop) run(env []string, args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), s.path("swarmcall"), args...)
	var out, errs strings.Builder
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = append(s.env, env...), s.dir, &out, &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// must runs the CLI and fails the test unless it exits with 0.
func (s *shop) must(env []string, args ...string) (stdout string) {
	s.t.Helper()
	code, stdout, stderr := s.run(env, args...)
	if code != 0 {
		s.t.Fatalf("swarmcall %s exits with %d:\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// start starts a program until the test ends.
func (s *shop) start(env []string, name string, args ...string) *proctest.Process {
	s.t.Helper()
	cmd := exec.Command(s.path(name), args...)
	cmd.Env, cmd.Dir = append(s.env, env...), s.dir
	p, err := proctest.Start(cmd)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(p.Kill)
	return p
}

// TestPipeline is what docs/security.md says, and then a pipeline of today with a token and nothing else: the same
// commands, and the environment names a token file. The token is rotated and revoked in the middle.
func TestPipeline(t *testing.T) {
	s := openShop(t)
	for name, flags := range map[string][]string{
		"ops": {"--role", "admin"}, "ci": {"--role", "controller"},
		"drivers": {"--role", "driver", "--driver-id", "load-*"},
	} {
		s.must(nil, append([]string{"token", "new", name, "--out", name + ".token"}, flags...)...)
	}
	s.must(nil, "auth", "check", "auth.yaml")

	cmd := exec.Command(s.path("swarmcall-server"), "--listen", "127.0.0.1:0", "--data-dir", "data",
		"--auth-file", "auth.yaml", "--tls-cert", "tls.crt", "--tls-key", "tls.key")
	cmd.Dir = s.dir
	server, err := proctest.StartServer(cmd, patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	target := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer target.Close()
	// What follows is the environment of a job. GITHUB_REPOSITORY is there to show that no submitter is taken from it.
	job := []string{
		"SWARMCALL_URL=https://" + server.Addr, "SWARMCALL_CA_FILE=" + s.path("ca.crt"),
		"SWARMCALL_TOKEN_FILE=" + s.path("ci.token"), "GITHUB_REPOSITORY=acme/shop",
	}
	driver := s.start(append(job, "SWARMCALL_TOKEN_FILE="+s.path("drivers.token")), "swarmcall", "drive", "http",
		"--target", target.URL, "--driver-id", "load-1")

	s.must(job, "wait", "drivers", "1", "--timeout", "60s")
	if got := s.must(job, "whoami", "-o", "json"); !strings.Contains(got, `"ci"`) {
		t.Errorf("whoami: %s", got)
	}
	s.must(job, "players", "set", "2")
	plan := "stages:\n  - wait: {drivers: 1}\n  - ramp: {from: 0, to: 4, step: 2, every: 100ms}\n  - hold: 200ms\n"
	if err := os.WriteFile(s.path("plan.yaml"), []byte(plan), 0o600); err != nil {
		t.Fatal(err)
	}
	s.must(job, "run", "plan.yaml")

	s.must(nil, "token", "new", "ci", "--rotate", "--out", "ci.new")
	old := s.fingerprints("ci")[0]
	if err := os.Rename(s.path("ci.new"), s.path("ci.token")); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() bool { code, _, _ := s.run(job, "whoami"); return code == 0 })
	s.must(nil, "token", "revoke", "ci", "--hash", old)
	s.must(job, "stop")
	entries := s.must(job, "commands", "list", "-o", "json")
	if strings.Contains(entries, "acme") || !strings.Contains(entries, `"submitter":"ci"`) &&
		!strings.Contains(entries, `"submitter": "ci"`) {
		t.Errorf("the submitter is not the principal: %s", entries)
	}

	s.must(nil, "token", "revoke", "drivers")
	if !driver.EndsWithin(patience) || driver.Code() == 0 {
		t.Errorf("a driver whose token was revoked goes on, or exits with 0: %s", driver.Err)
	}
	s.must(nil, "token", "revoke", "ci")
	s.eventually(func() bool { code, _, _ := s.run(job, "whoami"); return code == 4 })
	if code, _, stderr := s.run(job, "stop"); code != 4 || !strings.Contains(stderr, "unauthenticated") {
		t.Errorf("stop with a revoked token exits with %d: %s", code, stderr)
	}
}

// fingerprints returns those of a row, oldest first.
func (s *shop) fingerprints(name string) []string {
	s.t.Helper()
	for line := range strings.Lines(s.must(nil, "token", "list")) {
		words := strings.Fields(line)
		if words[0] == name {
			return strings.Split(words[len(words)-1], ",")
		}
	}
	s.t.Fatalf("token list does not have %s", name)
	return nil
}

func (s *shop) eventually(holds func() bool) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		<-tick.C
	}
}
