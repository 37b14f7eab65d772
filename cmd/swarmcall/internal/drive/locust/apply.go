package locust

import (
	"context"
	"fmt"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/drive"
	"github.com/swarmcall/swarmcall/driver"
)

// Codes of rejections.
const (
	codeNoWorkers   = "locust_no_workers"    // a master without workers generates no load, whatever it answers
	codeRefused     = "locust_refused"       // success: false
	codeShape       = "locust_shape"         // a LoadTestShape sets the users
	codeUnconfirmed = "locust_not_confirmed" // its state did not confirm its answer
	codeStopFailed  = "locust_not_stopped"   // users still ran at the deadline
)

// lookEvery is the interval at which the page is read while a command waits for confirmation.
const lookEvery = 25 * time.Millisecond

// Apply applies a command, and returns when Locust's state and user_count confirm it.
func (g *Generator) Apply(ctx context.Context, c driver.Command) error {
	ctx, cancel := drive.Patience(ctx, c)
	defer cancel()
	switch c.Type {
	case driver.SetPlayers:
		return g.setPlayers(ctx, c.Players, g.want.spawnDelay())
	case driver.SetSpawnDelay:
		return g.setDelay(ctx, c.SpawnDelay())
	case driver.Stop:
		return g.stop(ctx)
	default:
		return driver.Reject("unsupported_command", string(c.Type))
	}
}

// setDelay takes effect at once if users are still being spawned, otherwise with the next command for users.
func (g *Generator) setDelay(ctx context.Context, d time.Duration) error {
	v, err := g.look(ctx)
	if target := g.want.players(); err == nil && v.active() && v.Users != target {
		if err := g.setPlayers(ctx, target, d); err != nil {
			return err
		}
	}
	g.want.set(g.want.players(), d)
	return nil
}

func (g *Generator) setPlayers(ctx context.Context, n int64, delay time.Duration) error {
	before, err := g.look(ctx)
	switch {
	case err != nil:
		return err
	case before.Distributed && before.Workers == 0 && n > 0:
		return driver.Reject(codeNoWorkers, "this Locust is a master without workers: "+before.String())
	case n == 0 && before.Users == 0 && !before.active():
		g.want.set(0, delay)
		return nil
	case !drive.Until(ctx, lookEvery, func() bool { return g.stops.Load() == 0 }):
		return driver.Reject(codeUnconfirmed, "Locust is still stopping: "+before.String())
	}
	said, err := g.api.swarm(ctx, n, spawnRate(n-before.Users, delay))
	switch {
	case err != nil:
		return err
	case !said.Success:
		return driver.Reject(codeRefused, "Locust answered: "+said.Message)
	case g.stopShape(said):
		return driver.Reject(codeShape, "a LoadTestShape sets the users of this Locust; it was stopped")
	}
	return g.confirm(ctx, claim{before: before, users: n, delay: delay, since: time.Now()}, said)
}

// confirm waits until Locust's state confirms its answer. If it does not in time, and no load ran before, confirm stops
// the load that Locust may still start.
func (g *Generator) confirm(ctx context.Context, c claim, said answer) error {
	last := c.before
	if drive.Until(ctx, lookEvery, func() bool {
		if v, err := g.look(ctx); err == nil {
			last = v
		}
		return c.holds(last, time.Now())
	}) {
		g.want.set(c.users, c.delay)
		return nil
	}
	if !c.before.active() {
		g.callOff()
	}
	return driver.Reject(codeUnconfirmed, fmt.Sprintf("Locust answered %q, but after %[3]v it shows %[2]v",
		said.Message, last, time.Since(c.since).Round(time.Millisecond)))
}

// claim is what Locust must show after a /swarm.
type claim struct {
	before view
	users  int64
	delay  time.Duration
	since  time.Time
}

// holds reports whether v confirms the claim: the users run, or their number moves towards the target, or the first of
// them is not due yet.
func (c claim) holds(v view, now time.Time) bool {
	if !v.active() {
		return false
	}
	if v.Users == c.users {
		return true
	}
	way, gone := c.users-c.before.Users, v.Users-c.before.Users
	return (way > 0 && gone > 0) || (way < 0 && gone < 0) || (v.State == "spawning" && now.Sub(c.since) < c.delay)
}

// spawnRate returns Locust's spawn rate in users per second. Without a delay, it spawns all users at once.
func spawnRate(change int64, delay time.Duration) float64 {
	if delay > 0 {
		return float64(time.Second) / float64(delay)
	}
	return float64(max(change, -change, 1))
}

// stopShape reports whether Locust has started a shape instead of the requested users, and then stops it.
func (g *Generator) stopShape(said answer) bool {
	if said.Message != "Swarming started using shape class" {
		return false
	}
	g.callOff()
	return true
}

// callOff stops the load in the background. Close waits for it.
func (g *Generator) callOff() {
	g.want.set(0, g.want.spawnDelay())
	g.stops.Add(1)
	g.stopping.Go(func() {
		defer g.stops.Add(-1)
		if err := g.api.stop(g.life); err != nil {
			g.log.Error("locust could not be told to stop", "error", err)
		}
	})
}

// stop ends the load. If Locust does not stop in time, stop kills it if the driver started it.
func (g *Generator) stop(ctx context.Context) error {
	last := view{State: "unknown"}
	if v, err := g.look(ctx); err != nil || v.active() || v.Users > 0 {
		g.callOff()
	}
	g.want.set(0, g.want.spawnDelay())
	if drive.Until(ctx, lookEvery, func() bool {
		if v, err := g.look(ctx); err == nil {
			last = v
		}
		return last.Users == 0 && last.State != "unknown" && !last.active()
	}) {
		return nil
	}
	g.log.Error("locust did not stop; it is killed if this driver started it", "view", last.String())
	if g.Kill() {
		g.seen.set(view{State: "stopped"})
		return nil
	}
	return driver.Reject(codeStopFailed, fmt.Sprintf("it shows %v, and this driver did not start this Locust, so it "+
		"does not kill it", last))
}
