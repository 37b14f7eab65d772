package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

const patience = time.Minute // limit of every wait

// server is a running server.
type server struct {
	*proctest.Server

	url string
}

// start runs a server on a data directory and a free port, and returns when it is ready.
func start(t testing.TB, dir string, flags ...string) *server {
	t.Helper()
	args := append([]string{"--listen", "127.0.0.1:0", "--data-dir", dir, "--heartbeat-interval", "100ms"}, flags...)
	cmd := exec.Command(binary, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	started, err := proctest.StartServer(cmd, patience)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{started, started.URL()}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("the log of the server at %s:\n%s", s.url, s.Err)
		}
	})
	if status, body := s.get(t, "/readyz"); status != http.StatusOK {
		t.Fatalf("readyz: %d %s", status, body)
	}
	return s
}

// end sends a signal and returns the exit code (-1 for a kill) and how long it took.
func (s *server) end(t testing.TB, signal os.Signal) (code int, took time.Duration) {
	t.Helper()
	began := time.Now()
	s.Signal(signal)
	if !s.EndsWithin(patience) {
		t.Fatalf("%v after %v the server is still there", signal, patience)
	}
	return s.Code(), time.Since(began)
}

func (s *server) get(t testing.TB, path string) (int, string) {
	t.Helper()
	return s.send(t, http.MethodGet, path, "")
}

func (s *server) send(t testing.TB, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+path, bytes.NewReader([]byte(body)))
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

// entry has the fields of an entry that tests read.
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

// member is a driver in this process. It acks at once, except commands with the note "hold", which it holds until it
// ends.
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
		<-ended //nolint:errcheck // the server may have been killed
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
