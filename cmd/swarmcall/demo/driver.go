package demo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

// MaxPlayers is the most one demo driver takes on: it shares this machine with the server and the target.
const MaxPlayers = 5000

// DriverOptions say what a demo driver connects to and what it loads.
type DriverOptions struct {
	URL     string    // of the server
	ID      string    // its driver id
	Target  string    // URL its players visit
	Version string    // told to the server
	Log     io.Writer // gets warnings
}

// spawnDelay is the time between two players until a command sets another.
const spawnDelay = 20 * time.Millisecond

// Drive is one demo driver: it takes commands from the server until ctx ends.
func Drive(ctx context.Context, o DriverOptions) error {
	l := newLoad(o.Target, MaxPlayers)
	defer l.close()
	p := newPlayers(spawnDelay, l.play)

	var ramp sync.WaitGroup
	defer ramp.Wait()
	rampCtx, stopRamp := context.WithCancel(context.WithoutCancel(ctx)) // players run until the driver has deregistered
	defer stopRamp()
	ramp.Go(func() { p.run(rampCtx) })

	return driver.Run(ctx, driver.Config{
		URL: o.URL, DriverID: o.ID, Version: o.Version, Labels: map[string]string{"app": "demo"},
		Logger:  slog.New(slog.NewTextHandler(o.Log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Metrics: l.metrics,
		State: func() driver.State {
			running, delay, active := p.report()
			return driver.State{Players: running, SpawnDelayMS: delay.Milliseconds(), Running: active}
		},
	}, driver.HandlerFunc(p.apply))
}

// apply takes a command's target; the ramp goes on without it.
func (p *players) apply(_ context.Context, c driver.Command) error {
	switch c.Type {
	case driver.SetPlayers:
		if c.Players > MaxPlayers {
			return driver.Reject("too_many_players", fmt.Sprintf("a demo driver takes at most %d", MaxPlayers))
		}
		p.setTarget(c.Players)
	case driver.SetSpawnDelay:
		p.setDelay(c.SpawnDelay())
	case driver.Stop:
		p.stop()
	}
	return nil
}
