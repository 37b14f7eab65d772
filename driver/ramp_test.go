package driver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

var _ Handler = (*Ramp)(nil)

// ramping runs f in a bubble of fake time, with players that only wait for their end.
func ramping(t *testing.T, delay time.Duration, f func(t *testing.T, r *Ramp)) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRamp(delay, func(ctx context.Context) { <-ctx.Done() })
		f(t, r)
		r.Close()
		r.want(t, 0)
	})
}

func (r *Ramp) set(t *testing.T, c Command) {
	t.Helper()
	if err := r.Apply(t.Context(), c); err != nil {
		t.Error(err)
	}
}

func (r *Ramp) want(t *testing.T, players int64) {
	t.Helper()
	if got := r.State().Players; got != players {
		t.Errorf("%d players run, want %d", got, players)
	}
}

func target(n int64) Command { return Command{Type: SetPlayers, Players: n} }
func pace(d time.Duration) Command {
	return Command{Type: SetSpawnDelay, SpawnDelayMS: d.Milliseconds()}
}
func pass(d time.Duration) { <-time.After(d); synctest.Wait() }
func TestRampGoesOnePlayerPerSpawnDelay(t *testing.T) {
	ramping(t, 20*time.Millisecond, func(t *testing.T, r *Ramp) {
		r.set(t, target(5))
		pass(0)
		r.want(t, 1)
		pass(20 * time.Millisecond)
		r.want(t, 2)
		pass(time.Hour)
		r.want(t, 5)
		r.set(t, pace(time.Second))
		r.set(t, target(2))
		pass(1500 * time.Millisecond)
		r.want(t, 3)
		pass(time.Hour)
		r.want(t, 2)
	})
}

func TestRampKeepsItsPaceWhenTheTargetMoves(t *testing.T) {
	ramping(t, 100*time.Millisecond, func(t *testing.T, r *Ramp) {
		for n := range int64(50) { // a new target every 10 ms must neither speed up nor delay the ramp
			r.set(t, target(100+n))
			pass(10 * time.Millisecond)
		}
		r.want(t, 6)
	})
}

func TestRampTakesUpANewDelayInMidStep(t *testing.T) {
	ramping(t, time.Hour, func(t *testing.T, r *Ramp) {
		r.set(t, target(3))
		pass(time.Minute)
		r.want(t, 1)
		r.set(t, pace(0))
		pass(0)
		r.want(t, 3)
		if got := r.State(); got != (State{Players: 3, Running: true}) {
			t.Errorf("state %+v", got)
		}
	})
}

func TestRampStopsAtOnce(t *testing.T) {
	ramping(t, 20*time.Millisecond, func(t *testing.T, r *Ramp) {
		r.set(t, target(100))
		pass(time.Second)
		r.set(t, Command{Type: Stop})
		synctest.Wait()
		if r.State() != (State{SpawnDelayMS: 20}) || r.Target() != 0 {
			t.Errorf("state %+v, target %d; want nothing", r.State(), r.Target())
		}
		pass(time.Hour)
		r.want(t, 0)
		r.set(t, target(2))
		pass(time.Second)
		r.want(t, 2)
	})
}

// TestRampTellsWhatRuns: a player counts until it has ended, whether it was asked to end or returned early.
func TestRampTellsWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r := NewRamp(0, func(context.Context) { <-release }) // busy: ignores its context
		r.set(t, target(2))
		synctest.Wait()
		r.set(t, Command{Type: Stop})
		synctest.Wait()
		if got := r.State(); got != (State{Players: 2, Running: true}) {
			t.Errorf("after stop: state %+v, want 2 players that still run", got)
		}
		r.set(t, target(3))
		synctest.Wait()
		r.want(t, 5)
		close(release) // all end; none is replaced
		synctest.Wait()
		if got := r.State(); got != (State{Running: true}) {
			t.Errorf("state %+v, want no players, though 3 are wanted", got)
		}
		r.Close()
	})
}

func TestRampReplacesWithTheNextCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lives := make(chan struct{}, 100)
		r := NewRamp(0, func(ctx context.Context) {
			select {
			case <-lives: // this one returns early
			case <-ctx.Done():
			}
		})
		r.set(t, target(10))
		synctest.Wait()
		for range 4 {
			lives <- struct{}{}
		}
		pass(time.Minute)
		r.want(t, 6)
		r.set(t, target(10))
		synctest.Wait()
		r.want(t, 10)
		r.set(t, target(1))
		synctest.Wait()
		r.want(t, 1)
		r.Close()
	})
}

func TestRampTakesNoUnknownCommand(t *testing.T) {
	ramping(t, 0, func(t *testing.T, r *Ramp) {
		if err := r.Apply(t.Context(), Command{Type: "fly"}); err == nil {
			t.Error("took a command it does not know")
		}
	})
}

// TestRampAsDriver: in a complete driver, Stop cancels a running ramp, and heartbeats report what runs.
func TestRampAsDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		r := NewRamp(100*time.Millisecond, func(ctx context.Context) { <-ctx.Done() })
		d := server.drive(Config{State: r.State}, r)
		p, _ := server.welcome(wire.Desired{Seq: 6, Command: players(100)})
		p.applied(6)
		if h := expect[wire.Heartbeat](p, wire.TypeHeartbeat); h.State.Players < 10 || h.State.Players > 11 {
			t.Errorf("after 1 s: %+v, want 10 players of 100", *h.State)
		}
		p.command(7, stop())
		p.applied(7)
		for range 5 {
			if h := expect[wire.Heartbeat](p, wire.TypeHeartbeat); *h.State != (wire.State{SpawnDelayMS: 100}) {
				t.Errorf("after stop: %+v", *h.State)
			}
		}
		d.stop(nil)
		if err := d.result(); err != nil {
			t.Error(err)
		}
		r.Close()
	})
}
