package compat

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"
)

var record = flag.Bool("record", false, "write the transcript of a driver again; only when the last release is another")

// TestRecordADriver records, through a proxy, the frames between a driver and the server of the last release.
func TestRecordADriver(t *testing.T) {
	if !*record {
		return // the transcript is a document of the last release: it is replayed, and not written again
	}
	old := oldRelease(t)
	s := old.serve(t, t.TempDir())
	p := newRecorder(t, s.url)
	d := old.driver(t, p.url, "d-1", "http://127.0.0.1:1") // a target that does not answer is enough
	if !within(func() bool { return active(s.url) == 1 }) {
		t.Fatal("the driver does not come")
	}
	for _, c := range []string{
		`{"type": "set_players", "players": 5, "note": "warm up"}`,
		`{"type": "set_spawn_delay_ms", "spawn_delay_ms": 10}`,
		`{"type": "set_players", "players": 5001}`,
	} {
		post(t, s.url, `{"command": `+c+`, "deadline_ms": 30000}`)
	}
	beats := p.count("heartbeat")
	within(func() bool { return p.count("heartbeat") > beats+1 })
	p.cut()
	if !within(func() bool {
		return p.count("register") == 2 && active(s.url) == 1 &&
			p.count("heartbeat") > beats+3
	}) {
		t.Fatal("the driver does not come back")
	}
	post(t, s.url, `{"command": {"type": "set_players", "players_total": 8}, "deadline_ms": 30000}`)
	post(t, s.url, `{"command": {"type": "stop"}, "deadline_ms": 30000}`)
	d.leave()
	if !within(p.closed) {
		t.Fatal("the driver does not leave")
	}
	if err := os.WriteFile(transcriptFile, p.transcript(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// recorder is a proxy between drivers and a server that records each frame.
type recorder struct {
	url, server string
	handler     sync.WaitGroup

	mu    sync.Mutex
	lines []string
	drop  context.CancelFunc // of the connection that is open
}

func newRecorder(t *testing.T, server string) *recorder {
	t.Helper()
	p := &recorder{server: server}
	h := httptest.NewServer(http.HandlerFunc(p.serve))
	t.Cleanup(func() { p.cut(); p.handler.Wait(); h.Close() })
	p.url = h.URL
	return p
}

func (p *recorder) note(kind string, b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lines = append(p.lines, kind+" "+string(b))
}

// count returns how many frames of a type were recorded.
func (p *recorder) count(kind string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lines {
		if strings.Contains(l, `"type":"`+kind+`"`) {
			n++
		}
	}
	return n
}

func (p *recorder) closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.lines) > 0 && strings.HasPrefix(p.lines[len(p.lines)-1], "= closed")
}

func (p *recorder) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drop != nil {
		p.drop()
	}
}

// transcript omits heartbeat_acks, because their number depends on time.
func (p *recorder) transcript() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	var b bytes.Buffer
	for _, l := range p.lines {
		if !strings.Contains(l, `"type":"heartbeat_ack"`) {
			b.WriteString(l + "\n")
		}
	}
	return b.Bytes()
}

func (p *recorder) serve(w http.ResponseWriter, r *http.Request) {
	p.handler.Add(1)
	defer p.handler.Done()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p.mu.Lock()
	p.drop = cancel
	p.mu.Unlock()
	driver, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}})
	if err != nil {
		return
	}
	defer func() { _ = driver.CloseNow() }()
	offer := &websocket.DialOptions{HTTPClient: plain, Subprotocols: []string{subprotocol}}
	server, _, err := websocket.Dial(ctx, p.server+"/drivers/connect", offer) //nolint:bodyclose // a socket
	if err != nil {
		return
	}
	defer func() { _ = server.CloseNow() }()
	var up sync.WaitGroup
	up.Go(func() { _ = p.copy(ctx, ">", driver, server) })
	err = p.copy(ctx, "<", server, driver)
	if code := websocket.CloseStatus(err); code > 0 {
		p.note("=", fmt.Appendf(nil, "closed %d", code))
		_ = driver.Close(code, "")
	} else {
		p.note("=", []byte("cut"))
	}
	cancel()
	up.Wait()
}

func (p *recorder) copy(ctx context.Context, kind string, from, to *websocket.Conn) error {
	for {
		_, b, err := from.Read(ctx)
		if err != nil {
			return err
		}
		p.note(kind, b)
		if err := to.Write(ctx, websocket.MessageText, b); err != nil {
			return err
		}
	}
}
