// Package traces follows commands through the real server to a collector and to drivers.
package traces

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarmtest/bare"
	"github.com/swarmcall/swarmcall/internal/swarmtest/otlptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
	sampled = "00-" + traceID + "-" + spanID + "-01"
	players = `{"submitter":"ci/nightly","command":{"type":"set_players","players":7}}`
)

// world is a server, and a collector unless tracing is off.
type world struct {
	*servertest.Server
	*otlptest.Collector

	t       *testing.T
	url     string
	log     *lines
	drivers []*bare.Driver
}

// start runs a server that sends its spans to a collector.
func start(t *testing.T, change func(*app.Config)) *world {
	t.Helper()
	c := otlptest.New(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	w := startOff(t, change)
	w.Collector = c
	return w
}

// startOff runs a server in the environment as it is.
func startOff(t *testing.T, change func(*app.Config)) *world {
	t.Helper()
	w := &world{t: t, log: &lines{}}
	cfg := servertest.Config(t)
	cfg.Version, cfg.NodeName = app.Version{Version: "v1.2.3"}, "n-1"
	cfg.Logger = slog.New(slog.NewJSONHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if change != nil {
		change(&cfg)
	}
	w.Server = servertest.Start(t, cfg)
	w.url = w.Server.URL
	return w
}

// lines is the log of a server.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// with returns the lines with a message. The server must have stopped.
func (l *lines) with(t *testing.T, msg string) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(l.String()) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if fields["msg"] == msg {
			out = append(out, fields)
		}
	}
	return out
}

// join connects a driver. It answers nothing by itself.
func (w *world) join(id string) *bare.Driver {
	w.t.Helper()
	d := bare.Dial(w.t, w.url, nil)
	w.drivers = append(w.drivers, d)
	d.Send(`{"type":"register","driver_id":"` + id + `","state":{"players":0,"spawn_delay_ms":0,"running":false}}`)
	if got := d.Next(); got["type"] != wire.TypeRegistered {
		w.t.Fatalf("got %v", got)
	}
	return d
}

// answer reads the next command of a driver, and acks it.
func answer(d *bare.Driver) map[string]any {
	frame := d.Next()
	d.Send(fmt.Sprintf(`{"type":"command_ack","seq":%d,"status":"applied"}`, seqOf(frame)))
	return frame
}

func seqOf(fields map[string]any) int64 {
	n, _ := fields["seq"].(float64)
	return int64(n)
}

// reply is an answer of the API.
type reply struct {
	status int
	fields map[string]any
}

// post submits a command. Headers are "Name: value".
func (w *world) post(body string, headers ...string) reply {
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/commands", strings.NewReader(body))
	if err != nil {
		w.t.Error(err)
		return reply{}
	}
	r.Close = true
	r.Header.Set("Content-Type", "application/json")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Error(err)
		return reply{}
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	a := reply{status: resp.StatusCode}
	if err == nil {
		err = json.Unmarshal(b, &a.fields)
	}
	if err != nil {
		w.t.Errorf("%v in %s", err, b)
	}
	return a
}

// posting submits a command in the background.
func (w *world) posting(body string, headers ...string) <-chan reply {
	out := make(chan reply, 1)
	go func() { out <- w.post(body, headers...) }()
	return out
}

// leave disconnects the drivers: a server that stops would wait for them.
func (w *world) leave() {
	for _, d := range w.drivers {
		_ = d.Conn.CloseNow()
	}
}

// sent stops the server, and returns the n spans that the collector has then.
func (w *world) sent(n int) []otlptest.Span {
	w.t.Helper()
	w.leave()
	return w.sentByTheStop(n)
}

// sentByTheStop is sent for a server with drivers.
func (w *world) sentByTheStop(n int) []otlptest.Span {
	w.t.Helper()
	w.Stop()
	spans := w.Spans()
	if len(spans) != n {
		w.t.Fatalf("%d spans, want %d: %v", len(spans), n, spans)
	}
	return spans
}
