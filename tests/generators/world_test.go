package generators

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

const patience = 2 * time.Minute

// cli is the command line that was built for these tests, server the server, fakeK6 the fake of k6.
var cli, server, fakeK6 string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "generators-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	cli, server = filepath.Join(dir, "swarmcall"), filepath.Join(dir, "swarmcall-server")
	fakeK6 = filepath.Join(dir, "fakek6")
	programs := map[string]string{
		"swarmcall": "../../cmd/swarmcall", "swarmcall-server": "../../cmd/server", "fakek6": "./fakek6",
	}
	if err := proctest.Build("", dir, programs); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// tool returns the path of a program that a test needs.
func tool(t *testing.T, name, get string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		testenv.SkipOrFail(t, "%v; get it: %s", err, get)
	}
	return path
}

// k6 returns the path of the k6 that SWARMCALL_TEST_K6 names, which has to be a real one, or else of the fake.
func k6(t *testing.T) string {
	t.Helper()
	path, named := os.LookupEnv("SWARMCALL_TEST_K6")
	if !named {
		return fakeK6
	}
	version, err := exec.Command(path, "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(version), "k6 v1.") || strings.Contains(string(version), "fake") {
		t.Fatalf("SWARMCALL_TEST_K6=%s is not a real k6 1.x: %v\n%s", path, err, version)
	}
	return path
}

// startServer runs the real server until the test ends.
func startServer(t *testing.T) (url string) {
	t.Helper()
	url, _ = startServerAs(t, func(*app.Config) {})
	return url
}

// startServerAs runs a server until the test ends or stops it.
func startServerAs(t *testing.T, change func(*app.Config)) (url string, stop func()) {
	t.Helper()
	cfg := servertest.Config(t)
	cfg.StaleAfter = patience // on a busy machine a live driver may send nothing for some seconds
	change(&cfg)
	s := servertest.Start(t, cfg)
	return s.URL, s.Stop
}

// target counts requests.
type target struct {
	*httptest.Server
	mu       sync.Mutex
	arrivals []time.Time
}

func startTarget(t *testing.T) *target {
	g := new(target)
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		g.mu.Lock()
		g.arrivals = append(g.arrivals, time.Now())
		g.mu.Unlock()
		<-time.After(5 * time.Millisecond) // like a real target: else a few users take the whole CPU
		_, _ = w.Write([]byte("hello\n"))
	}))
	t.Cleanup(g.Close)
	return g
}

// since returns how many requests came after at.
func (g *target) since(at time.Time) (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, a := range g.arrivals {
		if a.After(at) {
			n++
		}
	}
	return n
}

// process is a driver that was started from the command line.
type process struct {
	*proctest.Process

	log *proctest.Output
}

// drive starts a driver and waits until it has registered.
func drive(t *testing.T, url string, args ...string) *process {
	t.Helper()
	p := &process{log: new(proctest.Output)}
	cmd := exec.Command(cli, append([]string{"drive", args[0], "--url", url, "--driver-id", "d-1", "--linger", "6s"},
		args[1:]...)...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	cmd.Env = append(os.Environ(), markOf(t))
	var err error
	if p.Process, err = proctest.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("the driver: %s", p.log)
		}
	})
	eventually(t, "the driver is there", func() bool {
		if p.Over() {
			t.Fatalf("the driver ended")
		}
		return driverOf(t, url).State == "active"
	})
	return p
}

// child returns the process that the driver has started: the child of its guard.
func (p *process) child(t *testing.T) *os.Process {
	t.Helper()
	return childOf(t, childOf(t, p.Cmd.Process.Pid).Pid)
}

func childOf(t *testing.T, pid int) *os.Process {
	t.Helper()
	children := childrenOf(pid)
	if len(children) == 0 {
		if _, err := os.Stat("/proc/thread-self/children"); err != nil {
			testenv.SkipOrFail(t, "the system does not tell the children of a process: %v", err)
		}
		t.Fatalf("process %d has no child", pid)
	}
	child, err := os.FindProcess(children[0])
	if err != nil {
		t.Fatal(err)
	}
	return child
}

// childrenOf returns the children of a process; one that has ended has none.
func childrenOf(pid int) (pids []int) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // the pattern is right
	for _, task := range tasks {
		text, _ := os.ReadFile(task) // of a thread that has ended: nothing
		for _, word := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(word); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// descendantsOf returns the children of a process, and theirs.
func descendantsOf(pid int) (pids []int) {
	pids = childrenOf(pid)
	for i := 0; i < len(pids); i++ { // pids grows
		pids = append(pids, childrenOf(pids[i])...)
	}
	return pids
}

type driver struct {
	State          string
	HeartbeatAgeMS int64 `json:"heartbeat_age_ms"`
	Reported       struct {
		Players      int64
		SpawnDelayMS int64 `json:"spawn_delay_ms"`
		Running      bool
	}
	Metrics map[string]float64
}

func driverOf(t *testing.T, url string) (d driver) {
	t.Helper()
	call(t, http.MethodGet, url+"/drivers/d-1", "", &d)
	return d
}

// entry is the result of a command.
type entry struct {
	Status   string
	Rejected []struct{ Code, Detail string }
	Missing  []struct{ Reason string }
}

func command(t *testing.T, url, command string) (e entry) {
	t.Helper()
	body := fmt.Sprintf(`{"command":%s,"deadline_ms":30000}`, command)
	if code := call(t, http.MethodPost, url+"/commands", body, &e); code != http.StatusCreated {
		t.Fatalf("%s: status %d", command, code)
	}
	return e
}

// applied sends a command that the driver has to ack.
func applied(t *testing.T, url, text string) {
	t.Helper()
	if e := command(t, url, text); e.Status != "complete" {
		t.Fatalf("%s: %+v", text, e)
	}
}

func players(n int64) string { return fmt.Sprintf(`{"type":"set_players","players":%d}`, n) }

func spawnDelay(d time.Duration) string {
	return fmt.Sprintf(`{"type":"set_spawn_delay_ms","spawn_delay_ms":%d}`, d.Milliseconds())
}

const stop = `{"type":"stop"}`

func call(t *testing.T, method, url, body string, into any) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode < 300 {
		if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
			t.Fatal(err)
		}
	}
	return resp.StatusCode
}

func eventually(t *testing.T, what string, so func() bool) {
	t.Helper()
	late := time.After(patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for !so() {
		select {
		case <-late:
			t.Fatalf("not in %v: %s", patience, what)
		case <-again.C:
		}
	}
}
