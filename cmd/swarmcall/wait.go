package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

type waitCmd struct {
	Drivers waitDriversCmd `cmd:"" help:"Wait until N drivers are active. The server may still be starting."`
}

type waitDriversCmd struct {
	Count   int               `arg:"" help:"Number of drivers."`
	Label   map[string]string `help:"Only drivers with this label; repeat to require several labels." placeholder:"KEY=VALUE" mapsep:"none"`
	Timeout time.Duration     `default:"60s" help:"How long to wait (${default}); then exit 7, or 8 if the server was never reached."`
	connection
}

// Validate bounds the flags. Kong calls it.
func (c *waitDriversCmd) Validate() error {
	if c.Count < 1 || c.Timeout <= 0 {
		return errors.New("the number of drivers must be at least 1, and --timeout more than 0")
	}
	return nil
}

// Run waits.
func (c *waitDriversCmd) Run(ctx context.Context, s streams) error {
	c.RetryFor = max(c.RetryFor, c.Timeout)
	c.wait()
	server, err := c.dial(s, "")
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	defer server.line.Keep()
	limited, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	reached := false
	n, err := waitForDrivers(limited, server.Client,
		remote.DriverFilter{State: "active", Labels: remote.LabelFilter(c.Label)}, c.Count, func(n int) {
			reached = true
			server.line.Draw(server.line.Part("waiting", "drivers", int64(n), int64(c.Count)))
		})
	switch {
	case ctx.Err() != nil:
		return &clierr.Error{Code: clierr.Interrupted, What: "interrupted; nothing was sent"}
	case limited.Err() != nil && reached:
		return &clierr.Error{
			Code: clierr.Timeout, What: fmt.Sprintf("%d of %d drivers are active after %v", n, c.Count, c.Timeout),
			Hint: "list the drivers: swarmcall drivers list; are the others running, and do they use this " +
				"server's address?",
			Detail: server.unmatched(ctx, n, c.Label),
		}
	case err != nil:
		return err
	}
	server.line.Say("%d drivers are active", n)
	return nil
}

// waitForDrivers polls the roster until it has want drivers, or ctx ends.
func waitForDrivers(
	ctx context.Context, c *remote.Client, f remote.DriverFilter, want int, tell func(int),
) (n int, err error) {
	const pace = 200 * time.Millisecond
	for {
		page, err := c.Drivers(ctx, f)
		if err != nil {
			return n, err
		}
		n = len(page.Items)
		tell(n)
		if n >= want || !remote.Sleep(ctx, pace) {
			return n, ctx.Err()
		}
	}
}

// unmatched lists the labels in use when no driver has the requested ones.
func (s *session) unmatched(ctx context.Context, n int, labels map[string]string) []string {
	if n > 0 || len(labels) == 0 {
		return nil
	}
	return s.InUse(ctx, remote.Target{Labels: labels})
}
