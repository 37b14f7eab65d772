package process_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/swarmcall/swarmcall/driver"
)

// sdk is a driver that its author built with the SDK.
type sdk struct {
	id string

	mu      sync.Mutex
	applied []driver.Command
	lost    int // sessions that have ended
}

// swarm starts n drivers of the SDK. leave ends them; so does the end of the test.
func swarm(t *testing.T, url string, n int) (all []*sdk, leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for i := range n {
		d := &sdk{id: fmt.Sprintf("sdk-%d", i+1)}
		all = append(all, d)
		running.Go(func() {
			err := driver.Run(ctx, driver.Config{
				URL: url, DriverID: d.id, OnDisconnect: d.disconnected,
				HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
			}, driver.HandlerFunc(d.apply))
			if err != nil {
				t.Errorf("%s ended with %v", d.id, err)
			}
		})
	}
	leave = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(leave)
	return all, leave
}

func (d *sdk) apply(_ context.Context, c driver.Command) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.applied = append(d.applied, c)
	return nil
}

func (d *sdk) disconnected(error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lost++
}

// did returns what the driver has applied, in order, and how many sessions it has lost.
func (d *sdk) did() ([]driver.Command, int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.applied), d.lost
}

// has reports whether the driver has applied the command with so many players.
func (d *sdk) has(players int64) bool {
	applied, _ := d.did()
	return slices.ContainsFunc(applied, func(c driver.Command) bool { return c.Players == players })
}

// runs reports whether the newest command that the driver has applied is the one with so many players.
func (d *sdk) runs(players int64) bool {
	applied, _ := d.did()
	return len(applied) > 0 && applied[len(applied)-1].Players == players
}
