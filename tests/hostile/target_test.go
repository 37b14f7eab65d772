package hostile

import (
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// target is the server that is attacked, and what its clients need.
type target struct {
	t      *testing.T
	url    string
	addr   string
	fleet  string // the token of drivers
	ops    string // the token of a controller
	tokens string // a directory with each token in a file
	client *http.Client
}

// newTarget makes the tokens and the auth file.
func newTarget(t *testing.T) (*target, string) {
	t.Helper()
	a := &target{t: t, tokens: t.TempDir(), client: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}}
	a.fleet, _ = authfile.NewSecret()
	a.ops, _ = authfile.NewSecret()
	var rows strings.Builder
	rows.WriteString("tokens:\n")
	for name, row := range map[string][2]string{"fleet": {a.fleet, "driver"}, "ops": {a.ops, "controller"}} {
		hash := authfile.Hash(row[0])
		fmt.Fprintf(&rows, "  - {name: %s, hash: [\"sha256:%s\"], role: %s}\n", name, hex.EncodeToString(hash[:]), row[1])
		a.keep(name, row[0])
	}
	return a, a.keep("auth.yaml", rows.String())
}

func (a *target) keep(name, content string) (path string) {
	a.t.Helper()
	path = filepath.Join(a.tokens, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// inside starts a server in this process, so that the race detector sees it.
func inside(t *testing.T) *target {
	t.Helper()
	a, file := newTarget(t)
	cfg := servertest.Config(t)
	cfg.AuthFile = file
	s := servertest.Start(t, cfg)
	a.url, a.addr = s.URL, strings.TrimPrefix(s.URL, "http://")
	return a
}

// process is a target in a process of its own, so that its memory and goroutines are only the server's.
type process struct {
	*target
	*proctest.Server
	pprof string // address of the profiler
}

func startProcess(t *testing.T) *process {
	t.Helper()
	a, file := newTarget(t)
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	shared, err := l.File()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "--listen", "127.0.0.1:0", "--data-dir", t.TempDir(), "--auth-file", file,
		"--heartbeat-interval", "200ms", "--stale-after", "1m")
	cmd.Env, cmd.ExtraFiles = []string{"PATH=" + os.Getenv("PATH")}, []*os.File{shared}
	started, err := proctest.StartServer(cmd, patience)
	_, _ = shared.Close(), l.Close() // the child has its own
	if err != nil {
		t.Fatal(err)
	}
	s := &process{a, started, l.Addr().String()}
	a.url, a.addr = s.URL(), s.Addr
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			said := s.Err.String()
			t.Logf("the end of the server's log:\n%s", said[max(0, len(said)-4000):])
		}
	})
	return s
}

// ask sends a request with the token of the controller.
func (a *target) ask(method, url, body string, headers ...string) (*http.Response, string) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		a.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+a.ops)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := a.client.Transport.RoundTrip(r) // follows no redirect
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		a.t.Fatal(err)
	}
	return resp, string(b)
}

var (
	heapAlloc  = regexp.MustCompile(`(?m)^# HeapAlloc = (\d+)$`)
	goroutines = regexp.MustCompile(`^goroutine profile: total (\d+)`)
)

// size is what a server uses at a time.
type size struct{ heap, goroutines int }

func (s size) String() string {
	return fmt.Sprintf("%d KiB and %d goroutines", s.heap>>10, s.goroutines)
}

// size returns how many bytes are in use after a garbage collection, and how many goroutines there are.
func (s *process) size() size {
	s.t.Helper()
	return size{s.profile("heap?gc=1&debug=1", heapAlloc), s.profile("goroutine?debug=1", goroutines)}
}

func (s *process) profile(name string, figure *regexp.Regexp) int {
	s.t.Helper()
	_, text := s.ask(http.MethodGet, "http://"+s.pprof+"/debug/pprof/"+name, "") //nolint:bodyclose // ask has closed it
	m := figure.FindStringSubmatch(text)
	if m == nil {
		s.t.Fatalf("no figure in %.500s", text)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}
