package hostile

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

// witness is a driver that behaves, and the commands that it is sent while others attack the server.
type witness struct {
	*target
	connects, obeyed atomic.Int64
	sent             int64
}

// join starts the witness. When the test ends, it checks that no command was lost.
func (a *target) join() *witness {
	a.t.Helper()
	w := &witness{target: a}
	connected := make(chan struct{}, 1)
	ctx, leave := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- driver.Run(ctx, driver.Config{
			URL: a.url, DriverID: "witness", TokenFile: filepath.Join(a.tokens, "fleet"),
			OnConnect: func(driver.Session) {
				if w.connects.Add(1) == 1 {
					connected <- struct{}{}
				}
			},
		}, driver.HandlerFunc(func(context.Context, driver.Command) error {
			w.obeyed.Add(1)
			return nil
		}))
	}()
	a.t.Cleanup(func() {
		if n := w.connects.Load(); n != 1 {
			a.t.Errorf("the witness has connected %d times", n)
		}
		if n := w.obeyed.Load(); n != w.sent {
			a.t.Errorf("%d commands were sent, and %d arrived", w.sent, n)
		}
		leave()
		if err := <-ended; err != nil {
			a.t.Errorf("the witness ended with %v", err)
		}
	})
	select {
	case <-connected:
	case err := <-ended:
		ended <- err
		a.t.Fatalf("the witness ended with %v", err)
	case <-time.After(patience):
		a.t.Fatal("the witness does not connect")
	}
	return w
}

// command sends the witness a command over a new connection, and returns how long its outcome took. The deadline is so
// long that a busy machine does not reach it.
func (w *witness) command(t *testing.T) time.Duration {
	t.Helper()
	w.sent++
	began := time.Now()
	resp, body := w.ask(http.MethodPost, w.url+"/commands", fmt.Sprintf( //nolint:bodyclose // ask has closed it
		`{"command":{"type":"set_players","players":%d},"target":{"driver_ids":["witness"]},"deadline_ms":60000}`, w.sent))
	took := time.Since(began)
	var entry struct{ Counts struct{ Targeted, Acked int } }
	if err := json.Unmarshal([]byte(body), &entry); err != nil || resp.StatusCode != http.StatusCreated ||
		entry.Counts.Targeted != 1 || entry.Counts.Acked != 1 {
		t.Errorf("command %d: %s %.500s", w.sent, resp.Status, body)
	}
	return took
}

// commands sends n commands, one after the other.
func (w *witness) commands(t *testing.T, n int) (took times) {
	t.Helper()
	for range n {
		took = append(took, w.command(t))
	}
	return took
}

// times are how long commands took.
type times []time.Duration

func (t times) median() time.Duration {
	return slices.Sorted(slices.Values(t))[len(t)/2]
}
