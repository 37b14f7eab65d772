package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/tests/freezer"
)

// server is the real server; it can be stopped and started again at the same address with the same log.
type server struct {
	*servertest.Server

	t   testing.TB
	url string
}

// atWork opens the overview of a server whose one driver runs 5 players.
func atWork(t testing.TB) (*server, *tab) {
	t.Helper()
	s := startServer(t)
	s.drive("d-1")
	s.curl(setPlayers(5))
	b := open(t)
	b.goTo(s.url)
	b.live()
	b.says("#hero", "1 of 1 drivers run 5 of 5 players")
	return s, b
}

func startServer(t testing.TB) *server {
	t.Helper()
	cfg := servertest.Config(t)
	// A busy machine may delay a driver for some seconds, but a frozen driver must become stale soon.
	cfg.StaleAfter, cfg.DefaultDeadline = 4*time.Second, 20*time.Second
	cfg.Version = app.Version{Version: "v1.0.0-test", Revision: "test", GoVersion: "go"}
	s := servertest.Start(t, cfg)
	return &server{Server: s, t: t, url: s.URL}
}

// curl posts a command as a controller does.
func (s *server) curl(body string) string {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/commands", strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusCreated {
		s.t.Fatalf("%s: status %d, %s, %v", body, resp.StatusCode, answer, err)
	}
	return string(answer)
}

// get reads a document of the API.
func (s *server) get(path string, into any) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		s.t.Fatal(err)
	}
}

// load is a real driver with players that do nothing, on a connection that can be frozen.
type load struct {
	net  *freezer.Freezer
	quit func()
}

// drive connects a driver; labels come as key, value.
func (s *server) drive(id string, labels ...string) *load {
	s.t.Helper()
	cfg := driver.Config{URL: s.url, DriverID: id, Version: "1.4.2", Labels: map[string]string{}, MaxPlayers: 1000}
	for i := 0; i+1 < len(labels); i += 2 {
		cfg.Labels[labels[i]] = labels[i+1]
	}
	ramp := driver.NewRamp(time.Millisecond, func(ctx context.Context) { <-ctx.Done() })
	cfg.State, cfg.Metrics = ramp.State, func() map[string]float64 { return map[string]float64{"rps": 41.5} }
	l := &load{net: freezer.New()}
	cfg.HTTPClient = l.net.Client()
	ctx, cancel := context.WithCancel(context.Background())
	connected, ended := make(chan struct{}), make(chan error, 1)
	cfg.OnConnect = func(driver.Session) {
		select {
		case <-connected:
		default:
			close(connected)
		}
	}
	go func() { ended <- driver.Run(ctx, cfg, ramp) }()
	select {
	case <-connected:
	case err := <-ended:
		s.t.Fatalf("%s did not connect: %v", id, err)
	}
	l.quit = sync.OnceFunc(func() {
		l.net.Thaw()
		cancel()
		if err := <-ended; err != nil {
			s.t.Logf("%s ended with %v", id, err)
		}
		ramp.Close()
	})
	s.t.Cleanup(l.quit)
	return l
}

// setPlayers is a command that all drivers can ack in time, however busy the machine is.
func setPlayers(n int) string { return setPlayersWithin(20*time.Second, n) }

func setPlayersWithin(deadline time.Duration, n int) string {
	const form = `{"submitter": "ci/nightly", "command": {"type": "set_players", "players": %d}, "deadline_ms": %d}`
	return fmt.Sprintf(form, n, deadline.Milliseconds())
}

// outcome is the answer to a form that a page sent.
type outcome struct{ Tone, Says string }

// send posts a form as the pages do.
func (s *server) send(path, form string) (out outcome) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+path, strings.NewReader(form))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		s.t.Fatal(err)
	}
	return out
}
