package process_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

const (
	orphans   = 20
	orphaned  = 50 // players of each
	lease     = 3 * time.Second
	leaseOver = time.Second // how soon after the end of its lease a driver has to be at 0
)

// TestDriversWithoutAServer kills the server while drivers of the SDK run at load. When the lease is over, each has
// stopped on its own, or continues if that is the policy. When the server is back, all run the desired load, and the
// roster shows which drivers lost the lease.
func TestDriversWithoutAServer(t *testing.T) {
	for _, policy := range []string{"stop", "hold"} {
		t.Run(policy, func(t *testing.T) {
			for range rounds(1, 10) {
				calm(t, func(broken func(string, ...any)) { orphanage(t, policy, broken) })
			}
		})
	}
}

// orphanage is one run. Drivers reach the server without a proxy: while it is down, connections are refused.
func orphanage(t *testing.T, policy string, broken func(string, ...any)) {
	t.Helper()
	w := &world{t: t, launch: launch{dir: t.TempDir(),
		args: []string{"--lease-ttl", lease.String(), "--on-lease-lost", policy}}}
	w.server = w.launch.mustStart(t)
	w.client = newClient("http://" + w.server.Addr)
	ramps, leave := ramped(t, w.client.url, orphans)
	defer leave()
	w.converged(orphans, "after they have registered")
	w.all(t, orphans, command{submitter: "ops", players: orphaned})
	w.converged(orphans, "load is wanted")

	w.server.Kill()
	killed := time.Now()
	first, last := time.Duration(0), time.Duration(0)
	stopped := func() bool {
		n := atRest(ramps)
		if n > 0 && first == 0 {
			first = time.Since(killed)
		}
		return n == orphans
	}
	most := lease + leaseOver
	if policy == "stop" && !soak {
		most = patience // leaseOver is for an idle machine; here they only have to stop
	}
	if within(most, stopped) {
		last = time.Since(killed)
	}
	said := fmt.Sprintf("0 of %d had stopped", orphans)
	if policy == "stop" {
		said = fmt.Sprintf("the first of %d stopped %v, the last %v after the kill", orphans, first, last)
		if last == 0 {
			t.Errorf("lease %v: %s", lease, said)
		}
		if last > lease+leaseOver || first < lease/2 {
			broken("lease %v: %s", lease, said)
		}
	} else if first != 0 || atLoad(ramps) != orphans {
		t.Errorf("by the policy hold %d of %d drivers run on", atLoad(ramps), orphans)
	}

	w.launch.args = append(w.launch.args, "--listen", w.server.Addr)
	w.server = w.launch.mustStart(t)
	took := w.converged(orphans, "the server is back")
	if n := atLoad(ramps); n != orphans {
		t.Errorf("the server is back: %d of %d drivers run what is desired", n, orphans)
	}
	lost := w.lostLeases()
	if lost != orphans {
		t.Errorf("the roster shows %d of %d lost leases", lost, orphans)
	}
	if n := strings.Count(w.server.Err.String(), "longer than its lease"); n != orphans {
		t.Errorf("the server's log has %d of %d lost leases", n, orphans)
	}
	t.Logf("%s, lease %v: %s; the server is back: all run the desired load again after %v", policy, lease, said,
		took.Round(time.Millisecond))
}

// lostLeases counts the drivers that the roster says have lost their lease.
func (w *world) lostLeases() (n int) {
	w.t.Helper()
	var roster struct {
		Items []struct {
			LeaseLost bool `json:"lease_lost"`
		}
	}
	if err := w.client.get(w.t.Context(), "/drivers", &roster); err != nil {
		w.t.Fatal(err)
	}
	for _, d := range roster.Items {
		if d.LeaseLost {
			n++
		}
	}
	return n
}

// ramped starts n drivers of the SDK whose players are goroutines. leave ends them; so does the end of the test.
func ramped(t *testing.T, url string, n int) (ramps []*driver.Ramp, leave func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for i := range n {
		ramp := driver.NewRamp(0, func(ctx context.Context) { <-ctx.Done() })
		ramps = append(ramps, ramp)
		running.Go(func() {
			defer ramp.Close()
			err := driver.Run(ctx, driver.Config{
				URL: url, DriverID: fmt.Sprintf("sdk-%d", i+1), State: ramp.State,
				HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
			}, ramp)
			if err != nil {
				t.Errorf("sdk-%d ended with %v", i+1, err)
			}
		})
	}
	leave = sync.OnceFunc(func() {
		cancel()
		running.Wait()
	})
	t.Cleanup(leave)
	return ramps, leave
}

func atRest(ramps []*driver.Ramp) int { return count(ramps, 0) }
func atLoad(ramps []*driver.Ramp) int { return count(ramps, orphaned) }

func count(ramps []*driver.Ramp, players int64) (n int) {
	for _, r := range ramps {
		if r.State().Players == players {
			n++
		}
	}
	return n
}
