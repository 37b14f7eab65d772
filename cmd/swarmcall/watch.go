package main

import (
	"context"
	"io"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/term"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/tui"
)

type watchCmd struct {
	Submitter string `help:"Who sends the stop; else from the files, the pipeline or the user." placeholder:"NAME"`
	connection
}

// Run shows the swarm full-screen, or as plain lines where that cannot be.
func (c *watchCmd) Run(ctx context.Context, s streams) error {
	if !term.IsTTY(s.in) || !term.Animated(s.out) {
		return (&commandsWatchCmd{connection: c.connection}).Run(ctx, s)
	}
	quiet := s
	quiet.err = io.Discard // the screen is the program's; it shows itself that the server is away
	server, err := c.dial(quiet, c.Submitter)
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	return tui.Run(ctx, tui.Options{Client: server.Client, Submitter: server.Submitter.Value, In: s.in, Out: s.out})
}
