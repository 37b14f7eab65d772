package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

// stopPromise is how long a stop may take, whatever is open.
const stopPromise = 10 * time.Second

// patience is a timeout that only a hang reaches.
const patience = time.Minute

func TestTheStopsPartsKeepThePromise(t *testing.T) {
	sum := roundGrace + outcomeGrace + settleGrace + answerGrace + max(drainGrace, traceGrace+250*time.Millisecond) + logGrace
	if sum >= stopPromise {
		t.Errorf("the parts of a stop may take %v together", sum)
	}
}

// member is a driver through the SDK that holds the commands it receives.
type member struct {
	connected, commands chan struct{}
	lost                chan error
	release             chan struct{}
}

func join(t *testing.T, url string) *member {
	t.Helper()
	m := &member{make(chan struct{}, 9), make(chan struct{}, 9), make(chan error, 9), make(chan struct{})}
	ctx, leave := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- driver.Run(ctx, driver.Config{
			URL: url, DriverID: "d-1",
			OnConnect:    func(driver.Session) { m.connected <- struct{}{} },
			OnDisconnect: func(err error) { m.lost <- err },
		}, driver.HandlerFunc(func(context.Context, driver.Command) error {
			m.commands <- struct{}{}
			<-m.release
			return nil
		}))
	}()
	t.Cleanup(func() {
		leave()
		if err := <-ended; err != nil {
			t.Errorf("the driver ended with %v", err)
		}
	})
	await(t, "the driver to connect", m.connected)
	return m
}

func await[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(patience):
		t.Fatalf("waited %v for %s", patience, what)
	}
	return v
}

// TestStop ends a server with an open round, a connected driver and an idle connection: no client is left waiting.
func TestStop(t *testing.T) {
	cfg := local(t)
	s := launch(t, cfg)
	d := join(t, s.url)
	idle := &http.Client{Transport: &http.Transport{}}
	defer idle.CloseIdleConnections()
	warm(t, idle, s.url)
	type result struct {
		status int
		e      entry
	}
	answered := make(chan result, 1)
	go func() {
		var r result
		const body = `{"command":{"type":"set_players","players":9},"deadline_ms":60000}`
		r.status = fetch(t, "POST", s.url+"/commands", body, &r.e)
		answered <- r
	}()
	await(t, "the command to arrive", d.commands)

	began := time.Now()
	s.stop()
	refusesCommands(t, s.url)
	r := <-answered
	if r.status != http.StatusCreated || r.e.Status != "failed" || len(r.e.Missing) != 1 ||
		r.e.Missing[0].Reason != "server_restart" {
		t.Errorf("the open command was answered %d %+v, want missing by server_restart", r.status, r.e)
	}
	closed, ok := errors.AsType[*driver.CloseError](await(t, "the driver to be sent away", d.lost))
	if !ok || closed.Code != wire.CloseDrain {
		t.Errorf("the driver was sent away with %v, want 1001", closed)
	}
	if err := s.end(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	t.Logf("the stop took %v", time.Since(began)) // its parts add up to less than stopPromise: see above
	close(d.release)

	cfg.Listen = strings.TrimPrefix(s.url, "http://")
	next := launch(t, cfg)
	await(t, "the driver to come back", d.connected)
	var e entry
	if fetch(t, "GET", next.url+"/commands/"+strconv.FormatUint(r.e.Seq, 10), "", &e); e.Status != "failed" {
		t.Errorf("the next server shows %+v", e)
	}
}

// refusesCommands waits until new commands are refused and the server is not ready, while the open command continues.
func refusesCommands(t *testing.T, url string) {
	t.Helper()
	const body = `{"command":{"type":"set_players","players":1},"deadline_ms":1,"min_drivers":5}`
	for {
		var e entry
		switch status := fetch(t, "POST", url+"/commands", body, &e); {
		case status == http.StatusConflict: // the stop has not begun
		case status == http.StatusServiceUnavailable && e.Code == "shutting_down":
			if got := fetch(t, "GET", url+"/readyz", "", nil); got != http.StatusServiceUnavailable {
				t.Errorf("readyz of a server that stops: %d", got)
			}
			return
		default:
			t.Fatalf("a new command while the server stops: %d %+v", status, e)
		}
	}
}

// warm leaves an idle connection.
func warm(t *testing.T, c *http.Client, url string) {
	t.Helper()
	resp, err := c.Get(url + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
}

// TestStopOfAQuietServerIsQuick: no grace period is waited out without need, so a stop takes about as long as a start.
func TestStopOfAQuietServerIsQuick(t *testing.T) {
	testenv.FasterThan(t, quick, func() (base, took time.Duration) {
		cfg := local(t)
		began := time.Now()
		s := launch(t, cfg)
		base = time.Since(began)
		idle := &http.Client{Transport: &http.Transport{}}
		defer idle.CloseIdleConnections()
		warm(t, idle, s.url)
		join(t, s.url)
		began = time.Now()
		if err := s.end(); err != nil {
			t.Error(err)
		}
		took = time.Since(began)
		t.Logf("started in %v, stopped in %v", base, took)
		return base, took
	})
}
