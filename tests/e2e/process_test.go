package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

const patience = time.Minute // for whatever a test waits for

// process is a server that runs.
type process struct {
	url   string
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended and its log is read

	mu  sync.Mutex
	log strings.Builder
}

var addressForm = regexp.MustCompile(`addr=(127\.0\.0\.1:\d+)`)

// start runs a server on a data directory and a free port, and returns when it is ready.
func start(t testing.TB, dir string, flags ...string) *process {
	t.Helper()
	p := &process{ended: make(chan struct{})}
	p.cmd = exec.Command(binary, append([]string{"--listen", "127.0.0.1:0", "--data-dir", dir, "--heartbeat-interval", "100ms"}, flags...)...)
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	first := make(chan string, 1)
	go p.read(stderr, first)
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.ended
		if t.Failed() {
			t.Logf("the log of the server at %s:\n%s", p.url, p.said())
		}
	})
	select {
	case line := <-first:
		m := addressForm.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("the first line of the log tells no address: %s", line)
		}
		p.url = "http://" + m[1]
	case <-time.After(patience):
		t.Fatal("the server says nothing")
	}
	if status, body := p.get(t, "/readyz"); status != http.StatusOK {
		t.Fatalf("readyz: %d %s", status, body)
	}
	return p
}

func (p *process) read(stderr io.Reader, first chan<- string) {
	defer close(p.ended)
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		select {
		case first <- lines.Text():
		default:
		}
		p.mu.Lock()
		_, _ = fmt.Fprintln(&p.log, lines.Text())
		p.mu.Unlock()
	}
	_ = p.cmd.Wait() // its state says how it ended
}

func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.log.String()
}

// end sends a signal and returns the exit code (-1 for a kill) and how long it took.
func (p *process) end(t testing.TB, signal os.Signal) (code int, took time.Duration) {
	t.Helper()
	began := time.Now()
	if err := p.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatalf("%v after %v the server is still there", signal, patience)
	}
	return p.cmd.ProcessState.ExitCode(), time.Since(began)
}

func (p *process) get(t testing.TB, path string) (int, string) {
	t.Helper()
	return p.send(t, http.MethodGet, path, "")
}

func (p *process) send(t testing.TB, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Close = true // an idle connection would look like a leak
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// entry is what tests look at of an entry.
type entry struct {
	Seq     int
	Status  string
	Counts  struct{ Targeted, Acked, Missing int }
	Missing []struct {
		DriverID string `json:"driver_id"`
		Reason   string
	}
}

func decode(t testing.TB, body string) (e entry) {
	t.Helper()
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	return e
}

// member is a driver of this process. It acks at once, but for commands with the note "hold": those it holds until its end.
type member struct {
	connected, held chan struct{}
	lost            chan error
}

func join(t testing.TB, url, id string) *member {
	t.Helper()
	m := &member{make(chan struct{}, 9), make(chan struct{}, 9), make(chan error, 9)}
	ctx, leave := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- driver.Run(ctx, driver.Config{
			URL: url, DriverID: id,
			OnConnect:    func(driver.Session) { m.connected <- struct{}{} },
			OnDisconnect: func(err error) { m.lost <- err },
		}, driver.HandlerFunc(func(_ context.Context, c driver.Command) error {
			if c.Note == "hold" {
				m.held <- struct{}{}
				<-ctx.Done()
			}
			return nil
		}))
	}()
	t.Cleanup(func() {
		leave()
		<-ended //nolint:errcheck // a driver whose server was killed ends as it can
	})
	await(t, id+" to connect", m.connected)
	return m
}

func await[T any](t testing.TB, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited %v for %s", patience, what)
	}
	return v
}
