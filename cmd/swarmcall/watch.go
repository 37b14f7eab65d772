package main

import (
	"context"
	"io"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/tui"
)

type watchCmd struct {
	Submitter string            `help:"Name of the sender of the stop; default: that of the token, else from the settings files, the pipeline or the user." placeholder:"NAME"`
	Label     map[string]string `help:"Only drivers with this label, and commands that may target them; the stop is for them alone. Repeat to require several labels." placeholder:"KEY=VALUE" mapsep:"none"`
	connection
}

// Run shows the swarm full-screen, or as plain lines if there is no terminal.
func (c *watchCmd) Run(ctx context.Context, s streams) error {
	if !console.IsTTY(s.in) || !console.Animated(s.out) {
		return (&commandsWatchCmd{Label: c.Label, connection: c.connection}).Run(ctx, s)
	}
	quiet := s
	quiet.err = io.Discard // the screen belongs to the program, which shows when the server is unavailable
	server, err := c.dial(quiet, c.Submitter)
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	return tui.Run(ctx, tui.Options{
		Client: server.Client, Submitter: server.Sender(), Labels: c.Label, In: s.in, Out: s.out,
	})
}
