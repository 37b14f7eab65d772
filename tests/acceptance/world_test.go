// Package acceptance plays the scenarios against the real server: HTTP in, WebSockets out, the log on disk.
package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
	"github.com/swarmcall/swarmcall/tests/freezer"
)

// server is a real server on a free port, with its own log.
type server struct {
	url    string
	client *http.Client
}

// startServer runs the app until the test ends. change may adjust the configuration.
func startServer(t testing.TB, change func(*app.Config)) *server {
	t.Helper()
	cfg := servertest.Config(t)
	// the other times keep their defaults: on a busy machine a driver may be silent for half a second
	cfg.HeartbeatInterval = 50 * time.Millisecond
	if change != nil {
		change(&cfg)
	}
	s := &server{url: servertest.Start(t, cfg).URL, client: &http.Client{Transport: checked(&http.Transport{})}}
	t.Cleanup(s.client.CloseIdleConnections)
	return s
}

// play runs a server on a data directory, calls act, and stops the server.
func play[T any](t *testing.T, dir string, act func(*testing.T, *server) T) (result T) {
	t.Helper()
	t.Run("server", func(t *testing.T) {
		result = act(t, startServer(t, func(c *app.Config) { c.DataDir = dir }))
	})
	return result
}

// Driver connects a driver through the SDK.
func (s *server) Driver(t testing.TB, id string) swarmtest.Driver {
	t.Helper()
	return s.connect(t, id)
}

// entry is an entry of the HTTP API, and the problem document in one.
type entry struct {
	Code      string `json:"code"`
	Seq       uint64 `json:"seq"`
	Submitter string `json:"submitter"`
	Command   struct {
		Type         string `json:"type"`
		Players      int64  `json:"players"`
		SpawnDelayMS int64  `json:"spawn_delay_ms"`
	} `json:"command"`
	Status     any          `json:"status"` // a string in an entry, a number in a problem document
	DurationMS float64      `json:"duration_ms"`
	Counts     swarm.Counts `json:"counts"`
	Acked      []verdict    `json:"acked"`
	Rejected   []verdict    `json:"rejected"`
	Missing    []verdict    `json:"missing"`
}

type verdict struct {
	DriverID  string  `json:"driver_id"`
	LatencyMS float64 `json:"latency_ms"`
	Code      string  `json:"code"`
	Reason    string  `json:"reason"`
}

func (e *entry) result() swarmtest.Result {
	if e.Code != "" {
		return swarmtest.Result{Err: swarm.Code(e.Code)}
	}
	r := swarmtest.Result{
		Seq: e.Seq, Submitter: e.Submitter, Status: swarm.Status(fmt.Sprint(e.Status)), Counts: e.Counts,
		Duration: ms(e.DurationMS),
		Command:  swarm.Command{Type: command.Type(e.Command.Type), Value: e.Command.Players + e.Command.SpawnDelayMS},
		Acked:    map[string]time.Duration{}, Rejected: map[string]string{}, Missing: map[string]swarm.Reason{},
	}
	for _, v := range e.Acked {
		r.Acked[v.DriverID] = ms(v.LatencyMS)
	}
	for _, v := range e.Rejected {
		r.Rejected[v.DriverID] = v.Code
	}
	for _, v := range e.Missing {
		r.Missing[v.DriverID] = swarm.Reason(v.Reason)
	}
	return r
}

func ms(f float64) time.Duration { return time.Duration(f * float64(time.Millisecond)) }

// Submit posts a command as curl would.
func (s *server) Submit(ctx context.Context, sub swarm.Submission) swarmtest.Result {
	fields := map[string]any{"type": sub.Command.Type}
	switch sub.Command.Type {
	case command.SetPlayers:
		fields["players"] = sub.Command.Value
	case command.SetSpawnDelay:
		fields["spawn_delay_ms"] = sub.Command.Value
	case command.Stop:
	}
	body, err := json.Marshal(map[string]any{
		"submitter": sub.Submitter, "command": fields, "deadline_ms": sub.Deadline.Milliseconds(),
	})
	if err != nil {
		return swarmtest.Result{Err: swarm.Code(err.Error())}
	}
	var e entry
	if err := s.do(ctx, http.MethodPost, "/commands", body, &e); err != nil {
		return swarmtest.Result{Err: swarm.Code(err.Error())}
	}
	return e.result()
}

// Log reads every entry completely, oldest first.
func (s *server) Log(t testing.TB) []swarmtest.Result {
	t.Helper()
	var results []swarmtest.Result
	for path := "/commands?order=asc&limit=50"; path != ""; {
		var page struct {
			Items []struct{ Seq uint64 } `json:"items"`
			Next  *string                `json:"next_cursor"`
		}
		if err := s.do(t.Context(), http.MethodGet, path, nil, &page); err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			var e entry
			if err := s.do(t.Context(), http.MethodGet, fmt.Sprintf("/commands/%d", item.Seq), nil, &e); err != nil {
				t.Fatal(err)
			}
			results = append(results, e.result())
		}
		path = ""
		if page.Next != nil {
			path = "/commands?order=asc&limit=50&cursor=" + *page.Next
		}
	}
	return results
}

func (s *server) do(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// state asks the roster for the state of one driver; "" if the driver is unknown.
func (s *server) state(ctx context.Context, id string) swarm.DriverState {
	var d struct{ State swarm.DriverState }
	if s.do(ctx, http.MethodGet, "/drivers/"+id, nil, &d) != nil {
		return ""
	}
	return d.State
}

// until repeats the request until the driver has the wanted state.
func (s *server) until(t testing.TB, id string, want swarm.DriverState) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for s.state(ctx, id) != want {
		if ctx.Err() != nil {
			t.Fatalf("%s did not become %q in a minute", id, want)
		}
	}
}

// sdkDriver is a driver through the SDK, on a connection that can be frozen.
type sdkDriver struct {
	server *server
	id     string
	net    *freezer.Freezer
	leave  context.CancelFunc
	left   chan error

	mu      sync.Mutex
	change  sync.Cond
	held    bool
	applied []swarmtest.Applied
}

func (s *server) connect(t testing.TB, id string) *sdkDriver {
	t.Helper()
	return s.connectWith(t, id, nil)
}

// connectWith connects a driver with labels.
func (s *server) connectWith(t testing.TB, id string, labels map[string]string) *sdkDriver {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	d := &sdkDriver{server: s, id: id, net: freezer.New(), leave: cancel, left: make(chan error, 1)}
	d.change.L = &d.mu
	go func() {
		d.left <- driver.Run(ctx, driver.Config{URL: s.url, DriverID: id, Labels: labels, HTTPClient: d.net.Client()},
			driver.HandlerFunc(d.apply))
	}()
	t.Cleanup(func() {
		d.net.Cut()
		d.Release()
		cancel()
		if err := <-d.left; err != nil {
			t.Errorf("driver %s ended with %v", id, err)
		}
	})
	s.until(t, id, swarm.Active)
	return d
}

func (d *sdkDriver) apply(_ context.Context, c driver.Command) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.applied = append(d.applied, swarmtest.Applied{Seq: c.Seq, Command: swarm.Command{
		Type: command.Type(c.Type), Value: c.Players + c.SpawnDelayMS,
	}})
	for d.held {
		d.change.Wait()
	}
	return nil
}

func (d *sdkDriver) Hold() { d.set(true) }

func (d *sdkDriver) Release() { d.set(false) }

func (d *sdkDriver) set(held bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = held
	d.change.Broadcast()
}

func (d *sdkDriver) Hang(t testing.TB) {
	d.net.Freeze()
	d.server.until(t, d.id, swarm.Stale)
}

func (d *sdkDriver) Leave(t testing.TB) {
	d.leave()
	if err := <-d.left; err != nil {
		t.Errorf("driver %s ended with %v", d.id, err)
	}
	d.left <- nil // for the cleanup
	d.server.until(t, d.id, "")
}

func (d *sdkDriver) Applied() []swarmtest.Applied {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.applied)
}
