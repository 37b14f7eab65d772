package drivers

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// logged is a log that a test can read.
type logged struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), text)
}

// TestTwoProcessesWithOneID: they take the id from each other, and a supervisor restarts each of them.
func TestTwoProcessesWithOneID(t *testing.T) {
	for name, tc := range map[string]struct {
		instance  func(i int) string
		every     time.Duration
		takeovers int
		conflict  bool
	}{
		"two processes that reconnect": {func(i int) string { return fmt.Sprintf(`,"instance":"%d"`, i%2) },
			time.Second, 8, true},
		"two that are started again": {func(i int) string { return fmt.Sprintf(`,"instance":"%d"`, i) },
			15 * time.Second, 4, true},
		"two without an instance": {func(int) string { return "" }, time.Second, 3, true},
		"one that reconnects":     {func(int) string { return `,"instance":"one"` }, time.Second, 8, false},
		"one started again, twice": {func(i int) string { return fmt.Sprintf(`,"instance":"%d"`, i) },
			time.Second, 2, false},
		"now and then": {func(i int) string { return fmt.Sprintf(`,"instance":"%d"`, i) },
			16 * time.Second, 8, false},
	} {
		t.Run(name, func(t *testing.T) {
			log := &logged{}
			logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
			inWorldWith(t, func(c *Config) { c.Logger = logger }, func(w *world) {
				w.join("d-1", tc.instance(0))
				w.join("d-2", "")
				for i := range tc.takeovers {
					<-time.After(tc.every)
					w.join("d-1", tc.instance(i+1))
					synctest.Wait()
				}
				d, _ := w.r.Driver("d-1")
				if (d.Conflict != nil) != tc.conflict {
					t.Fatalf("conflict %+v, want one: %v", d.Conflict, tc.conflict)
				}
				warnings := 0
				if tc.conflict {
					warnings = 1
					if c := d.Conflict; c.Takeovers != tc.takeovers || c.RemoteAddrs[0] == "" ||
						c.RemoteAddrs[1] == "" {
						t.Errorf("%+v", c)
					}
				}
				if n := log.count("level=WARN"); n != warnings {
					t.Errorf("%d warnings, want %d:\n%s", n, warnings, log.b.String())
				}
				for _, d := range w.r.Drivers() {
					if (d.Conflict != nil) != (tc.conflict && d.ID == "d-1") {
						t.Errorf("%s: %+v", d.ID, d.Conflict)
					}
				}
				<-time.After(rivalryWindow + time.Second)
				if d, _ := w.r.Driver("d-1"); d.Conflict != nil {
					t.Errorf("it is over, and shows %+v", d.Conflict)
				}
			})
		})
	}
}
