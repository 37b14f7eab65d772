package demo

import (
	"context"
	"io"
	"log/slog"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

// MaxPlayers is the limit of one demo driver, which shares this machine with the server and the target.
const MaxPlayers = 5000

// DriverOptions say what a demo driver connects to and what it loads.
type DriverOptions struct {
	URL     string    // of the server
	ID      string    // driver id
	Target  string    // URL that its players request
	Version string    // reported to the server
	Log     io.Writer // receives warnings
}

// spawnDelay is the spawn delay until a command sets another one.
const spawnDelay = 20 * time.Millisecond

// Drive runs one demo driver, which applies commands from the server until ctx ends.
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
