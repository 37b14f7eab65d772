package compose

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/internal/swarmtest/light"
)

// said collects what servers log.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// TestNodes runs two real nodes with the permissions of the compose file: a driver at each acks a command, and NATS
// refuses nothing that they ask for.
func TestNodes(t *testing.T) {
	c := startNATS(t)
	var lines said
	var all []*servertest.Server
	for _, name := range []string{"node1", "node2"} {
		cfg := servertest.Config(t)
		cfg.NodeName, cfg.NATSURL = name, c.URLs()
		cfg.Logger = slog.New(slog.NewTextHandler(&lines, nil))
		all = append(all, servertest.Start(t, cfg))
	}
	for i, s := range all {
		join(t, s, "d-"+all[i].Config.NodeName)
	}
	eventually(t, func() bool {
		resp := request(t, http.MethodPost, all[0].URL+"/commands",
			`{"submitter":"ci","command":{"type":"set_players","players":3},"min_drivers":2}`)
		var e struct{ Counts struct{ Acked int } }
		return json.Unmarshal(resp, &e) == nil && e.Counts.Acked == 2
	})
	for _, s := range all {
		s.Stop()
	}
	if strings.Contains(strings.ToLower(lines.String()), "permission") {
		t.Errorf("NATS refused something:\n%s", lines.String())
	}
}

// join connects a driver when the node takes it.
func join(t *testing.T, s *servertest.Server, id string) {
	t.Helper()
	var d *light.Driver
	eventually(t, func() (ok bool) {
		var err error
		d, err = light.Dial(t.Context(), s.Config.Listen, id)
		return err == nil
	})
	var serving sync.WaitGroup
	serving.Go(func() { d.Serve(nil) })
	t.Cleanup(func() {
		_ = d.Close()
		serving.Wait()
	})
}

func request(t *testing.T, method, url, body string) []byte {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	need(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	need(t, err)
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	need(t, err)
	return b
}

func eventually(t *testing.T, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.After(patience); !holds(); {
		select {
		case <-tick.C:
		case <-end:
			t.Fatal("not in time")
		}
	}
}
