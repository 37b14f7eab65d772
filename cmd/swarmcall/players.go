package main

import (
	"context"
	"errors"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/command"
)

type playersCmd struct {
	Set playersSetCmd `cmd:"" help:"Run N players on each driver, or N in total over all drivers."`
}

type playersSetCmd struct {
	Players int64 `arg:"" help:"Number of players, 0 to 1000000000."`
	Total   bool  `group:"Target" help:"Players in total: the server splits them over the drivers."`
	Yes     bool  `short:"y" group:"Safety" help:"Do not ask for confirmation, even if this is more than ten times the present load."`
	submission
}

// Validate refuses what the server would refuse. Kong calls it.
func (c *playersSetCmd) Validate() error {
	if c.Players < 0 || c.Players > command.MaxPlayers {
		return errors.New("players must be 0 to 1000000000")
	}
	return c.submission.Validate()
}

// Run sends set_players.
func (c *playersSetCmd) Run(ctx context.Context, s streams) error {
	c.check = func(server *session, body remote.Submission) error {
		return c.confirmLarge(ctx, s, server, body, c.Yes)
	}
	return c.send(ctx, s, remote.Command{Type: command.SetPlayers, Value: c.Players, Total: c.Total})
}

type spawnDelayCmd struct {
	Set spawnDelaySetCmd `cmd:"" help:"Set the time between two spawns, on each driver."`
}

type spawnDelaySetCmd struct {
	Delay time.Duration `arg:"" help:"Delay such as 20ms, per driver: with 10 drivers, 10 players start in that time. 0s to 24h, in whole milliseconds."`
	submission
}

// Validate refuses what the server would refuse. Kong calls it.
func (c *spawnDelaySetCmd) Validate() error {
	if c.Delay < 0 || c.Delay > 24*time.Hour || c.Delay%time.Millisecond != 0 {
		return errors.New("the delay must be 0s to 24h, in whole milliseconds")
	}
	return c.submission.Validate()
}

// Run sends set_spawn_delay_ms.
func (c *spawnDelaySetCmd) Run(ctx context.Context, s streams) error {
	return c.send(ctx, s, remote.Command{Type: command.SetSpawnDelay, Value: c.Delay.Milliseconds()})
}
