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
	codeNoWorkers   = "locust_no_workers"    // a master without workers makes no load, whatever it answers
	codeRefused     = "locust_refused"       // success: false
	codeShape       = "locust_shape"         // a LoadTestShape sets the users
	codeUnconfirmed = "locust_not_confirmed" // its state did not come to what it had said
	codeStopFailed  = "locust_not_stopped"   // users still ran at the deadline
)

// lookEvery is how often the page is looked at while a command waits to be confirmed.
const lookEvery = 25 * time.Millisecond

// Apply takes a command, and returns when Locust's state and user_count confirm it.
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

// setDelay takes effect at once where users are still coming, else with the next command for them.
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
	case g.shaped(said):
		return driver.Reject(codeShape, "a LoadTestShape sets the users of this Locust; it was stopped")
	}
	return g.confirm(ctx, claim{before: before, users: n, delay: delay, since: time.Now()}, said)
}

// confirm waits until Locust does what it said. A load that it may still begin after that is called off.
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

// claim is what Locust has to show for a /swarm.
type claim struct {
	before view
	users  int64
	delay  time.Duration
	since  time.Time
}

// holds reports whether v shows it: the users are there, or on their way, or the first of them is not due yet.
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

// spawnRate is Locust's, in users per second. Without a delay it is enough for all to come at once.
func spawnRate(change int64, delay time.Duration) float64 {
	if delay > 0 {
		return float64(time.Second) / float64(delay)
	}
	return float64(max(change, -change, 1))
}

// shaped reports whether Locust has started a shape instead of what was asked for, and stops that.
func (g *Generator) shaped(said answer) bool {
	if said.Message != "Swarming started using shape class" {
		return false
	}
	g.callOff()
	return true
}

// callOff stops what was not wanted, behind the command: Close waits for it.
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

// stop ends the load, by ending Locust if it must.
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
