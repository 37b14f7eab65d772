package demo

import (
	"context"
	"io"
	"log/slog"
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
	players := driver.NewRamp(spawnDelay, l.play)
	defer players.Close() // they run until the driver has deregistered

	return driver.Run(ctx, driver.Config{
		URL: o.URL, DriverID: o.ID, Version: o.Version, Labels: map[string]string{"app": "demo"},
		MaxPlayers: MaxPlayers,
		Logger:     slog.New(slog.NewTextHandler(o.Log, &slog.HandlerOptions{Level: slog.LevelWarn})),
		Metrics:    l.metrics, State: players.State,
	}, players)
}
