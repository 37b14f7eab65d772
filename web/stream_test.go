package web_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

// serveLive serves the dashboard with live updates.
func serveLive(t testing.TB, s *webtest.Swarm, change func(*web.Config)) *httptest.Server {
	t.Helper()
	cfg := config(s)
	cfg.Tick = 20 * time.Millisecond
	if change != nil {
		change(&cfg)
	}
	server := serveUI(t, anyone, web.New(cfg))
	untilLive(t, server.URL)
	return server
}

// serveUI serves a dashboard behind a router, and runs it.
func serveUI(t testing.TB, router func(http.Handler) http.Handler, ui *web.UI) *httptest.Server {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = ui.Run(ctx) })
	server := httptest.NewServer(router(ui))
	t.Cleanup(func() {
		stop()
		running.Wait()
		server.Close() // waits for the streams: they must end when Run does
	})
	return server
}

// event is one event of a stream.
type event struct{ id, name, data string }

// patch is the data of a patch.
type patch struct {
	Topic string
	Parts []string
	Lists []struct {
		ID    string
		Order []string
		Rows  []string
	}
	Items [][]any
}

// watch opens a stream, and sends its events to the channel until the stream ends.
func watch(t testing.TB, url, query, lastEventID string) <-chan event {
	t.Helper()
	header := map[string]string{}
	if lastEventID != "" {
		header["Last-Event-ID"] = lastEventID
	}
	return watchAs(t, url, query, header)
}

// watchAs is watch with some headers.
func watchAs(t testing.TB, url, query string, header map[string]string) <-chan event {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/ui/stream?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req) //nolint:bodyclose // the reader closes it
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d", resp.StatusCode)
	}
	events := make(chan event, 1000)
	go func() { // ends with the stream, which ends with the test at the latest
		defer close(events)
		defer resp.Body.Close()
		read(resp.Body, func(e event) { events <- e })
	}()
	return events
}

func read(body interface{ Read([]byte) (int, error) }, f func(event)) {
	var e event
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 8<<20)
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			f(e)
			e = event{}
		}
	}
}

// next returns the next event that f accepts.
func next(t testing.TB, events <-chan event, f func(event) bool) event {
	t.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case e, open := <-events:
			if !open {
				t.Fatal("the stream ended")
			}
			if f(e) {
				return e
			}
		case <-late:
			t.Fatal("nothing of that kind came")
		}
	}
}

// collect adds the parts of a patch by their ids.
func collect(t testing.TB, e event, to map[string]string) {
	t.Helper()
	var p patch
	if err := json.Unmarshal([]byte(e.data), &p); err != nil {
		t.Fatal(err)
	}
	for _, part := range p.Parts {
		_, rest, _ := strings.Cut(part, ` id="`)
		id, _, _ := strings.Cut(rest, `"`)
		to[id] = part
	}
}

func named(name string) func(event) bool { return func(e event) bool { return e.name == name } }

func contains(words string) func(event) bool {
	return func(e event) bool { return e.name == "patch" && strings.Contains(e.data, words) }
}

func submission(players int64) swarm.Submission {
	return swarm.Submission{Submitter: "ci", Command: swarm.Command{Type: command.SetPlayers, Value: players},
		Deadline: time.Second}
}

func TestStreamSendsTheWholeAndThenWhatChanges(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), nil)
	server := serveLive(t, s, nil)
	events := watch(t, server.URL, "topic=/&topic=/ui/drivers&fresh=/&fresh=/ui/drivers", "")
	next(t, events, named("hello"))
	next(t, events, contains(`"topic":"/ui/drivers"`))
	if _, err := s.Submit(t.Context(), submission(4321)); err != nil {
		t.Fatal(err)
	}
	next(t, events, contains("4,321 players each"))
}

func TestStreamResumesWithoutRepeating(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), nil)
	server := serveLive(t, s, nil)
	first := watch(t, server.URL, "topic=/ui/commands&fresh=/ui/commands", "")
	if _, err := s.Submit(t.Context(), submission(1)); err != nil {
		t.Fatal(err)
	}
	seen := next(t, first, contains(`id=\"c-1\"`))
	if seen.id == "" { // only the last event of a frame has an id
		seen = next(t, first, func(e event) bool { return e.id != "" })
	}
	if _, err := s.Submit(t.Context(), submission(2)); err != nil {
		t.Fatal(err)
	}
	again := watch(t, server.URL, "topic=/ui/commands&fresh=/ui/commands", seen.id)
	e := next(t, again, func(e event) bool { return strings.Contains(e.data, "command-rows") })
	var p patch
	if err := json.Unmarshal([]byte(e.data), &p); err != nil {
		t.Fatal(err)
	}
	if len(p.Lists) != 1 || len(p.Lists[0].Rows) != 1 || !strings.Contains(p.Lists[0].Rows[0], `id="c-3"`) ||
		len(p.Lists[0].Order) != 2 {
		t.Errorf("after a break only the new row and the new order are due, got %+v", p.Lists)
	}
}

func TestStreamOfAnotherBootIsReset(t *testing.T) {
	server := serveLive(t, webtest.NewSwarm(nil, nil), nil)
	next(t, watch(t, server.URL, "topic=/", "elsewhere.7"), named("reset"))
}

func TestStreamSendsBeats(t *testing.T) {
	server := serveLive(t, webtest.NewSwarm(nil, nil), nil)
	next(t, watch(t, server.URL, "topic=/ui/about", ""), named("beat"))
}

func TestStreamRefusesUnknownTopics(t *testing.T) {
	server := serveLive(t, webtest.NewSwarm(nil, nil), nil)
	for _, query := range []string{"topic=/etc/passwd", "topic=//evil", "topic=/ui/drivers%0a", "topic=" +
		strings.Repeat("/&topic=/ui/drivers/a", 1) + strings.Repeat("&topic=/x", 30)} {
		if status, _ := get(t, server.URL+"/ui/stream?"+query); status != http.StatusBadRequest {
			t.Errorf("%s: status %d", query, status)
		}
	}
}

func TestStreamsEndWithRun(t *testing.T) {
	s := webtest.NewSwarm(nil, nil)
	ui := web.New(config(s))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- ui.Run(ctx) }()
	server := httptest.NewServer(anyone(ui))
	defer server.Close()
	untilLive(t, server.URL)
	events := watch(t, server.URL, "topic=/", "")
	next(t, events, named("hello"))
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	for range events { // until it is closed
	}
	if status, _ := get(t, server.URL+"/ui/stream?topic=/"); status != http.StatusServiceUnavailable {
		t.Errorf("a stream after the end: status %d", status)
	}
}

// untilLive waits until Run has begun: streams are refused before.
func untilLive(t testing.TB, url string) {
	t.Helper()
	untilLiveAs(t, url, nil)
}

func untilLiveAs(t testing.TB, url string, header map[string]string) {
	t.Helper()
	for late := time.Now().Add(10 * time.Second); time.Now().Before(late); {
		if status, err := headAs(t, url+"/ui/stream?topic=/", header); err == nil && status == http.StatusOK {
			return
		}
	}
	t.Fatal("the live half does not begin")
}

// head opens a stream and closes it.
func head(t testing.TB, url string) (int, error) {
	t.Helper()
	return headAs(t, url, nil)
}

func headAs(t testing.TB, url string, header map[string]string) (int, error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// Viewers of a driver that the server forgets are notified, and again when it reconnects: the page does not look live
// meanwhile.
func TestStreamReportsAForgottenDriver(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), nil)
	server := serveLive(t, s, nil)
	events := watch(t, server.URL, "topic=/ui/drivers/d-4&fresh=/ui/drivers/d-4", "")
	next(t, events, contains(`id=\"head\"`))
	s.SetDrivers(nil)
	next(t, events, contains(`"gone":1`))
	next(t, watch(t, server.URL, "topic=/ui/drivers/d-4", "elsewhere.7"), contains(`"gone":1`))
	s.SetDrivers(webtest.Drivers())
	next(t, events, contains(`"gone":0`))
}

// The first command of a fresh log is marked on the chart like any other.
func TestStreamMarksTheFirstCommand(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), nil)
	server := serveLive(t, s, nil)
	events := watch(t, server.URL, "topic=/&fresh=/", "")
	next(t, events, contains(`id=\"hero\"`))
	if _, err := s.Submit(t.Context(), submission(11)); err != nil {
		t.Fatal(err)
	}
	next(t, events, contains(`["m",`))
}

// A withdrawal of the server itself reaches a page through the feed: it is not a command, so no page of the log has it.
func TestStreamReportsExpiredCommands(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries())
	server := serveLive(t, s, nil)
	events := watch(t, server.URL, "topic=/ui/commands/9&fresh=/ui/commands/9", "")
	next(t, events, contains(`id=\"facts\"`))
	s.Append(&swarm.Expired{At: time.Now(), Replaced: 9, Cause: "no known driver has matched it"})
	next(t, events, contains("no known driver has matched it"))
}
