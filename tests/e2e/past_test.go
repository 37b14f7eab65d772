package e2e

import (
	"context"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/sidecar"
	"github.com/swarmcall/swarmcall/tests/freezer"
)

// TestKillRemembersWhoHadLeft: after kill -9 the dashboard does not warn of drivers that had deregistered, some time
// before or just before. It does warn of a connected driver and of a hung one, and the chart has the earlier points.
func TestKillRemembersWhoHadLeft(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	join(t, p.url, "here")
	hung := freezer.New()
	stay(t, p.url, "hung", hung.Client())
	t.Cleanup(hung.Thaw) // else its driver would not end
	early, late := stay(t, p.url, "left-early", nil), stay(t, p.url, "left-late", nil)
	const load = `{"command":{"type":"set_players","players":5}}`
	if status, body := p.send(t, http.MethodPost, "/commands", load); status != http.StatusCreated {
		t.Fatalf("%d %s", status, body)
	}
	hung.Freeze()
	early()
	remembers(t, dir, "left-early")
	late()
	remembers(t, dir, "left-late")
	if code, _ := p.end(t, syscall.SIGKILL); code != -1 {
		t.Fatalf("exit %d", code)
	}
	p = start(t, dir) // on another port, so that no driver reconnects
	_, page := p.get(t, "/")
	if !strings.Contains(page, "not reconnected: here, hung") || strings.Contains(page, "left-") {
		t.Errorf("the page warns of other drivers than here and hung: %s", page)
	}
	if _, series := p.get(t, "/ui/series"); !strings.Contains(series, `["p",`) {
		t.Errorf("the chart has no point from before: %s", series)
	}
}

// stay connects a driver that does nothing. leave deregisters it.
func stay(t *testing.T, url, id string, client *http.Client) (leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	connected, ended := make(chan struct{}, 9), make(chan error, 1)
	go func() {
		ended <- driver.Run(ctx, driver.Config{URL: url, DriverID: id, HTTPClient: client,
			OnConnect: func(driver.Session) { connected <- struct{}{} }},
			driver.HandlerFunc(func(context.Context, driver.Command) error { return nil }))
	}()
	left := false
	leave = func() {
		cancel()
		if !left {
			<-ended //nolint:errcheck // the server may have been killed
		}
		left = true
	}
	t.Cleanup(leave)
	await(t, id+" to connect", connected)
	return leave
}

// remembers waits until the file beside the log says that a driver has deregistered.
func remembers(t *testing.T, dir, id string) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for {
		m, err := sidecar.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range m.Drivers {
			if d.ID == id && d.Deregistered {
				return
			}
		}
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s is not remembered to have left: %+v", id, m.Drivers)
		}
	}
}
