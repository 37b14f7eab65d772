package drivertest_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/drivertest"
	"github.com/swarmcall/swarmcall/driver/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs a driver with a ramp against s, until end is called or the test ends.
func start(t *testing.T, s *drivertest.Server, cfg driver.Config) (end func()) {
	ramp := driver.NewRamp(10*time.Millisecond, func(ctx context.Context) { <-ctx.Done() })
	return startRamp(t, s, cfg, ramp)
}

func startRamp(t *testing.T, s *drivertest.Server, cfg driver.Config, ramp *driver.Ramp) (end func()) {
	cfg.URL, cfg.HTTPClient, cfg.State = s.URL, s.Client(), ramp.State
	if cfg.DriverID == "" {
		cfg.DriverID = "d-1"
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		defer ramp.Close()
		done <- driver.Run(ctx, cfg, ramp)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return cancel
}

// TestARampedDriver shows a test of a driver author: once in fake time, once in real time.
func TestARampedDriver(t *testing.T) {
	scenario := func(t *testing.T) {
		s := drivertest.NewServer(t)
		s.HeartbeatInterval = 20 * time.Millisecond
		end := start(t, s, driver.Config{MaxPlayers: 50})
		d := s.Driver()
		if d.Register.DriverID != "d-1" {
			t.Errorf("registered as %q", d.Register.DriverID)
		}
		d.SetPlayers(5).WantApplied(t)
		d.WantPlayers(5)
		d.SetPlayers(51).WantRejected(t, "over_local_limit")
		d.SetSpawnDelay(time.Hour).WantApplied(t)
		d.Stop().WantApplied(t)
		d.WantPlayers(0)
		end()
		if got := d.Left(); got.Reason != "done" {
			t.Errorf("left for %q", got.Reason)
		}
	}
	t.Run("fake time", func(t *testing.T) { synctest.Test(t, scenario) })
	t.Run("real time", scenario)
}

func TestDuplicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := drivertest.NewServer(t)
		start(t, s, driver.Config{})
		d := s.Driver()
		three := int64(3)
		c := wire.Command{Type: "set_players", Players: &three}
		seq := d.Send(c)
		d.Ack(seq).WantApplied(t)
		d.Stop().WantApplied(t)
		d.Resend(seq, c)
		d.Ack(seq).WantApplied(t)
		d.WantPlayers(0)
	})
}

// TestServerDisconnects shows a test of the lease.
func TestServerDisconnects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := drivertest.NewServer(t)
		n := int64(5)
		seqs := s.Desire(wire.Command{Type: "set_players", Players: &n})
		start(t, s, driver.Config{})
		d := s.Driver()
		d.Ack(seqs[0]).WantApplied(t)
		d.WantPlayers(5)
		s.Down()
		<-time.After(2 * s.LeaseTTL)
		s.Up()
		d = s.Driver()
		if !d.Register.LeaseLost || d.Register.State.Players != 0 {
			t.Errorf("registered with lease_lost %v and %+v; want it stopped by the lease", d.Register.LeaseLost,
				*d.Register.State)
		}
		d.Ack(seqs[0]).WantApplied(t)
		d.WantPlayers(5)
		d.Close(wire.CloseDrain)
		d = s.Driver()
		if d.Register.LeaseLost || d.Register.State.Players != 5 {
			t.Errorf("registered with lease_lost %v and %+v", d.Register.LeaseLost, *d.Register.State)
		}
		d.Ack(seqs[0]).WantApplied(t)
		d.Drop()
		s.Driver().Ack(seqs[0]).WantApplied(t)
	})
}
