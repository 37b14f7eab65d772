package access

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/auth/authfile"
)

// TestDriversStayWhileTheAuthFileIsReplaced connects 200 drivers and replaces the auth file again and again: rows of
// others come, change and go, the drivers' row gets a second hash, and once the file is invalid. Commands go on.
func TestDriversStayWhileTheAuthFileIsReplaced(t *testing.T) {
	const drivers, replacements = 200, 5
	w := start(t, map[string]string{"fleet": "driver", "root": "admin", "other": "controller"}, nil)
	ctx, leave := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var connected, dropped atomic.Int64
	file := w.file("fleet")
	for i := range drivers {
		running.Go(func() {
			err := driver.Run(ctx, driver.Config{
				URL: w.URL, DriverID: fmt.Sprintf("d-%d", i), TokenFile: file,
				OnConnect: func(driver.Session) { connected.Add(1) },
				OnDisconnect: func(err error) {
					if err != nil {
						dropped.Add(1)
					}
				},
			}, driver.HandlerFunc(func(context.Context, driver.Command) error { return nil }))
			if err != nil {
				t.Errorf("driver %d: %v", i, err)
			}
		})
	}
	defer running.Wait()
	defer leave()
	w.eventually(func() bool { return connected.Load() == drivers })
	commands := 0
	for i := range replacements {
		name := fmt.Sprintf("viewer-%d", i)
		w.replace(name, i)
		for w.do(http.MethodGet, "/whoami", "", name).StatusCode != http.StatusOK {
			w.allAck(drivers)
			commands++
		}
	}
	if err := os.WriteFile(w.path, []byte("tokens:\n  - {name: fleet, role: captain}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.eventually(func() bool {
		w.allAck(drivers)
		commands++
		return strings.Contains(w.do(http.MethodGet, "/audit", "", "root").body, `"reload_failed"`)
	})
	w.allAck(drivers)
	if connected.Load() != drivers || dropped.Load() != 0 {
		t.Errorf("%d of %d drivers were dropped, %d sessions", dropped.Load(), drivers, connected.Load())
	}
	t.Logf("dropped %d of %d drivers in %d replacements and an invalid one, beside %d commands", dropped.Load(), drivers,
		replacements, commands)
}

// replace adds a row, removes or changes rows of others, and gives the drivers' row a second hash.
func (w *world) replace(name string, i int) {
	w.t.Helper()
	secret, _ := authfile.NewSecret()
	second, _ := authfile.NewSecret()
	w.mu.Lock()
	w.rows[name], w.secrets[name] = "viewer", []string{secret}
	delete(w.rows, fmt.Sprintf("viewer-%d", i-1))
	w.rows["other"] = []string{"stopper", "controller, expires: 2099-01-01T00:00:00Z", "viewer"}[i%3]
	w.secrets["fleet"] = []string{w.secrets["fleet"][0], second}
	w.mu.Unlock()
	w.write()
}

// allAck issues a command and expects the acks of all drivers.
func (w *world) allAck(drivers int) {
	w.t.Helper()
	a := w.do(http.MethodPost, "/commands",
		`{"command":{"type":"set_players","players":1},"deadline_ms":60000}`, "root")
	var entry struct{ Counts struct{ Targeted, Acked int } }
	if err := json.Unmarshal([]byte(a.body), &entry); err != nil {
		w.t.Fatalf("%v in %s", err, a.body)
	}
	if entry.Counts.Targeted != drivers || entry.Counts.Acked != drivers {
		w.t.Errorf("%d targets and %d acks, want %d: %.500s", entry.Counts.Targeted, entry.Counts.Acked, drivers, a.body)
	}
}
