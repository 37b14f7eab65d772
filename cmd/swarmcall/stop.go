package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/command"
)

// stopCmd is the emergency stop. It asks for confirmation only on a terminal: a pipeline that wants to stop must stop.
type stopCmd struct {
	Yes bool `short:"y" group:"Safety" help:"Do not ask for confirmation."`
	submission
}

// Run sends stop.
func (c *stopCmd) Run(ctx context.Context, s streams) error {
	if !c.Yes && !c.DryRun && console.IsTTY(s.in) && console.IsTTY(s.err) {
		q := question{
			text: "Stop the load on all targeted drivers?", yes: true, // the user typed the command a moment ago
			hint: "to skip this question: swarmcall stop --yes",
		}
		if err := q.ask(ctx, s); err != nil {
			return err
		}
	}
	return c.send(ctx, s, remote.Command{Type: command.Stop})
}

// ask prompts on the terminal. It returns nil for yes.
func (q question) ask(ctx context.Context, s streams) error {
	_, _ = fmt.Fprintf(s.err, "%s %s ", q.text, q.keys())
	answered := make(chan string, 1)
	go func() { // ends at the latest with the process: a read from a terminal cannot be cancelled
		line, err := bufio.NewReader(s.in).ReadString('\n')
		if err != nil {
			line = "n" // the terminal was closed
		}
		answered <- line
	}()
	select {
	case <-ctx.Done():
		return &clierr.Error{Code: clierr.Interrupted, What: "interrupted; nothing was sent"}
	case line := <-answered:
		answer := strings.ToLower(strings.TrimSpace(line))
		if answer == "y" || answer == "yes" || answer == "" && q.yes {
			return nil
		}
		return q.refused()
	}
}
