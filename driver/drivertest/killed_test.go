package drivertest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/drivertest"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// TestKilledServer kills the server of 50 drivers under load, as kill -9 does. When the lease expires, each driver
// stops or keeps its load, as the server requires. When the server is back, all run the desired load again.
func TestKilledServer(t *testing.T) {
	for policy, left := range map[string]int64{"stop": 0, "hold": 20} {
		t.Run(policy, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { killedServer(t, policy, left) }) })
	}
}

func killedServer(t *testing.T, policy string, left int64) {
	const n, load = 50, int64(20)
	s := drivertest.NewServer(t)
	s.OnLeaseLost = policy
	players := load
	s.Desire(wire.Command{Type: "set_players", Players: &players})
	ramps := make([]*driver.Ramp, n)
	for i := range ramps {
		ramps[i] = driver.NewRamp(10*time.Millisecond, func(ctx context.Context) { <-ctx.Done() })
		startRamp(t, s, driver.Config{DriverID: fmt.Sprint("d-", i)}, ramps[i])
		s.Driver()
	}
	pass(5 * time.Second)
	running(t, ramps, load)
	s.Down()
	pass(s.LeaseTTL - time.Second - time.Millisecond) // the last frame was at most a heartbeat interval before
	running(t, ramps, load)
	pass(time.Second + time.Millisecond)
	running(t, ramps, left)
	pass(time.Minute)
	running(t, ramps, left)
	s.Up()
	up := time.Now()
	for range ramps {
		if d := s.Driver(); !d.Register.LeaseLost || d.Register.State.Players != left {
			t.Errorf("%s comes back with lease_lost %v and %d players, want %d",
				d.Register.DriverID, d.Register.LeaseLost, d.Register.State.Players, left)
		}
	}
	pass(time.Second)
	running(t, ramps, load)
	t.Logf("%s: all of %d at %d players within %v of the kill; all back at %d within %v of the server",
		policy, n, left, s.LeaseTTL, load, time.Since(up).Round(time.Millisecond))
}

// pass advances the fake time by d, and waits until everything that is due has been done.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func running(t *testing.T, ramps []*driver.Ramp, want int64) {
	t.Helper()
	for i, r := range ramps {
		if got := r.State().Players; got != want {
			t.Errorf("driver %d runs %d players, want %d", i, got, want)
		}
	}
}
