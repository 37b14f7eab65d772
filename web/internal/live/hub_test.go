package live_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/a-h/templ"
	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/web/internal/live"
	"github.com/swarmcall/swarmcall/web/internal/page"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// source provides one part that changes with each tick.
type source struct {
	ticks   atomic.Int64
	renders atomic.Int64
	size    int
	still   atomic.Bool
}

func (s *source) Tick(context.Context) map[string][][]byte {
	if !s.still.Load() {
		s.ticks.Add(1)
	}
	return nil
}

func (s *source) Render(_ context.Context, topic string) (page.Live, error) {
	switch topic {
	case "":
		return page.Live{}, nil
	case "broken":
		return page.Live{}, errors.New("broken")
	}
	s.renders.Add(1)
	body := templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		_, err := fmt.Fprintf(w, `<p id="p">%d %s</p>`, s.ticks.Load(), strings.Repeat("x", s.size))
		return err
	})
	return page.Live{Parts: []page.Part{{ID: "p", Body: body}}}, nil
}

func serve(t *testing.T, s *source, change func(*live.Config)) string {
	t.Helper()
	cfg := live.Config{Source: s, Build: "b1", Valid: func(string) bool { return true }, Tick: time.Millisecond,
		Idle:       time.Millisecond,
		MaxViewers: 10_000, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&cfg)
	}
	hub := live.New(cfg)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = hub.Run(ctx) })
	server := httptest.NewServer(hub)
	t.Cleanup(func() {
		stop()
		running.Wait()
		server.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return server.URL
}

// stream opens a stream. next returns its data lines.
func stream(t *testing.T, url string) (next func() string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	late := time.Now().Add(time.Minute)
	for err == nil && resp.StatusCode != http.StatusOK && time.Now().Before(late) {
		resp.Body.Close() // the hub does not run yet
		resp, err = http.DefaultClient.Do(req)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("no stream: %v", err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 64<<20)
	return func() string {
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		return ""
	}
}

func TestOneRenderingServesAllViewers(t *testing.T) {
	s := &source{}
	url := serve(t, s, nil)
	var all []func() string
	for range 20 {
		all = append(all, stream(t, url+"/?topic=a"))
	}
	for range 20 {
		for _, next := range all {
			if next() == "" {
				t.Fatal("a stream ended")
			}
		}
	}
	s.still.Store(true)
	if ticks, renders := s.ticks.Load(), s.renders.Load(); renders > ticks+1 {
		t.Errorf("%d renderings in %d ticks for 20 viewers of one topic", renders, ticks)
	}
}

// A viewer that is behind receives the newest state and no intermediate states.
func TestSlowViewerGetsTheNewest(t *testing.T) {
	s := &source{}
	url := serve(t, s, nil)
	slow, fast := stream(t, url+"/?topic=a"), stream(t, url+"/?topic=a")
	slow() // hello
	fast()
	for range 50 {
		fast()
	}
	s.still.Store(true)
	want := fmt.Sprintf(`>%d `, s.ticks.Load())
	for range 1000 {
		if strings.Contains(slow(), want) {
			return
		}
	}
	t.Errorf("the slow viewer never got %q", want)
}

// A viewer that never reads is disconnected after the write limit, and the others receive everything meanwhile.
func TestViewerThatNeverReadsIsDisconnected(t *testing.T) {
	s := &source{size: 1 << 20}
	url := serve(t, s, func(c *live.Config) {
		c.WriteLimit = 200 * time.Millisecond
		c.Tick = 5 * time.Millisecond
		c.MaxViewers = 2
	})
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /?topic=a HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	next := stream(t, url+"/?topic=a")
	for {
		if next() == "" {
			t.Fatal("the stream of one who reads ended")
		}
		// another viewer is accepted only once the silent one has been disconnected
		resp, err := http.Get(url + "/?topic=broken&probe")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
	}
}

// A viewer that never reads costs the memory of one event, however many events there are.
func TestViewerThatNeverReadsCostsBoundedMemory(t *testing.T) {
	const viewers, events, size = 20, 500, 64 << 10
	s := &source{size: size}
	url := serve(t, s, func(c *live.Config) { c.WriteLimit = time.Minute })
	next := stream(t, url+"/?topic=a")
	next()
	before := heap()
	for range viewers {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /?topic=a HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	for s.ticks.Load() < events {
		if next() == "" {
			t.Fatal("the stream of one who reads ended")
		}
	}
	each := (heap() - before) / viewers
	t.Logf("%d events of %d KiB, %d viewers that never read: %d KiB of heap each", events, size>>10, viewers, each>>10)
	if each > 4*size {
		t.Errorf("a viewer that never reads holds %d bytes; an event is %d", each, size)
	}
}

// heap returns the number of reachable bytes.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestFailedRenderingKeepsTheOldPage(t *testing.T) {
	s := &source{}
	next := stream(t, serve(t, s, func(c *live.Config) { c.Beat = time.Millisecond })+"/?topic=broken")
	if hello := next(); !strings.Contains(hello, "b1") {
		t.Errorf("hello is %q", hello)
	}
	if beat := next(); !strings.Contains(beat, "now") {
		t.Errorf("after it came %q", beat)
	}
}
