package app

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/sidecar"
)

// page returns the overview as a visitor receives it.
func page(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", resp.StatusCode, err)
	}
	return string(body)
}

// remembers waits until fits accepts the content of the sidecar file.
func remembers(t *testing.T, dir string, fits func(sidecar.Memory) bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		m, err := sidecar.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		if fits(m) {
			return
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("it has not: %+v", m)
		}
	}
}

// leavesBehind runs a server with two drivers, one of which deregisters. The sidecar file is then the one from that
// moment.
func leavesBehind(t *testing.T, cfg Config) {
	t.Helper()
	s := launch(t, cfg)
	leave := stay(t, s.url, "leaver")
	_ = stay(t, s.url, "stayer")
	if got := fetch(t, "POST", s.url+"/commands", `{"command":{"type":"set_players","players":5}}`, nil); got != 201 {
		t.Fatalf("POST: %d", got)
	}
	leave()
	remembers(t, cfg.DataDir, func(m sidecar.Memory) bool {
		for _, d := range m.Drivers {
			if d.ID == "leaver" {
				return d.Deregistered
			}
		}
		return false
	})
	atOnce, err := os.ReadFile(filepath.Join(cfg.DataDir, sidecar.Name))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	killed := filepath.Join(cfg.DataDir, sidecar.Name) // as if the server had been killed at that moment
	if err := os.WriteFile(killed, atOnce, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestDeregisteredIsNotMissed: after a restart the dashboard warns of a driver that was lost, and not of a driver that
// had deregistered.
func TestDeregisteredIsNotMissed(t *testing.T) {
	cfg := local(t)
	leavesBehind(t, cfg)
	for range 2 { // also after the second restart
		s := launch(t, cfg)
		if body := page(t, s.url); strings.Contains(body, "leaver") ||
			!strings.Contains(body, "not reconnected: stayer") {
			t.Error("the page warns of the driver that had deregistered, or not of the one that had not")
		}
		if err := s.end(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCameBackAndDeregistered: nor does it warn of a driver that reconnected after a restart and deregistered.
func TestCameBackAndDeregistered(t *testing.T) {
	cfg := local(t)
	leavesBehind(t, cfg)
	s := launch(t, cfg)
	stay(t, s.url, "stayer")()
	if body := page(t, s.url); strings.Contains(body, "not reconnected") {
		t.Error("the page warns of a driver that came back and left in order")
	}
}

// TestWithoutAPast: whatever is wrong with the sidecar file, a server starts, logs a warning, and writes a new file.
func TestWithoutAPast(t *testing.T) {
	for name, spoil := range map[string]func(path string) error{
		"missing": os.Remove,
		"torn":    func(path string) error { return os.Truncate(path, 40) },
		"empty":   func(path string) error { return os.Truncate(path, 0) },
		"noise":   func(path string) error { return os.WriteFile(path, []byte("noise"), 0o600) },
		"unreadable": func(path string) error { // even for root
			return errors.Join(os.Remove(path), os.Mkdir(path, 0o700))
		},
	} {
		cfg := local(t)
		if err := launch(t, cfg).end(); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(cfg.DataDir, sidecar.Name)
		if err := spoil(path); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var said bytes.Buffer
		cfg.Logger = slog.New(slog.NewTextHandler(&said, nil))
		s := launch(t, cfg)
		if got := fetch(t, "GET", s.url+"/readyz", "", nil); got != 200 {
			t.Errorf("%s: the server is not ready: %d", name, got)
		}
		if err := s.end(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if warned := strings.Contains(said.String(), "cannot read the stored state"); warned != (name != "missing") {
			t.Errorf("%s: the log says %s", name, said.String())
		}
		if _, err := sidecar.Load(cfg.DataDir); (err != nil) != (name == "unreadable") {
			t.Errorf("%s: no new file: %v", name, err)
		}
	}
}

// TestTheLogTakesNoNoticeOfTheFile: the checks of the log accept a directory with the sidecar file.
func TestTheLogTakesNoNoticeOfTheFile(t *testing.T) {
	cfg := local(t)
	leavesBehind(t, cfg)
	if err := os.WriteFile(filepath.Join(cfg.DataDir, sidecar.Name+".17.tmp"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := logfile.Scan(t.Context(), cfg.DataDir, func(logfile.Stored) {})
	if err != nil || report.Err() != nil || len(report.Notes) > 0 {
		t.Errorf("%v, %v, %v", err, report.Err(), report.Notes)
	}
}

// TestChartOutlivesTheServer: the page has points from before a restart, and a gap where the server did not run.
func TestChartOutlivesTheServer(t *testing.T) {
	cfg := local(t)
	s := launch(t, cfg)
	seriesHas(t, s.url, 2)
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	s = launch(t, cfg)
	all := seriesHas(t, s.url, 4)
	gaps := 0
	for _, p := range all {
		if len(p) == 5 {
			gaps++
		}
	}
	if gaps != 1 {
		t.Errorf("%d gaps among %v", gaps, all)
	}
	if body := page(t, s.url); !strings.Contains(body, `class="hole"`) {
		t.Error("the chart has no gap where the server did not run")
	}
}

// seriesHas waits until the chart has at least n points.
func seriesHas(t *testing.T, url string, n int) (points [][]any) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		var items [][]any
		fetch(t, "GET", url+"/ui/series", "", &items)
		points = nil
		for _, i := range items {
			if i[0] == "p" {
				points = append(points, i)
			}
		}
		if len(points) >= n {
			return points
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("the chart has %d points, not %d", len(points), n)
		}
	}
}

// stay connects a driver that does nothing. leave deregisters it.
func stay(t *testing.T, url, id string) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	connected, ended := make(chan struct{}, 9), make(chan error, 1)
	go func() {
		ended <- driver.Run(ctx, driver.Config{URL: url, DriverID: id,
			OnConnect: func(driver.Session) { connected <- struct{}{} }},
			driver.HandlerFunc(func(context.Context, driver.Command) error { return nil }))
	}()
	leave = sync.OnceFunc(func() {
		cancel()
		<-ended //nolint:errcheck // after the server has ended, any error is fine
	})
	t.Cleanup(leave)
	await(t, id+" to connect", connected)
	return leave
}
