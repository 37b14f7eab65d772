package main

import (
	"context"
	"fmt"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/submit"
)

// confirmFactor is the factor over the present load from which a new load needs confirmation, and the minimum that the
// present load counts as. A typing error such as a doubled 0 multiplies a load by 10. The dashboard uses the same rule.
const confirmFactor = 10

// confirmLarge asks for confirmation on a terminal if the new load is more than ten times the present load of the
// drivers. Without a terminal there is no user to answer: it prints a warning, and the command is sent.
func (c *submission) confirmLarge(
	ctx context.Context, s streams, server *session, body remote.Submission, yes bool,
) error {
	slip := unusualLoad(ctx, server.Client, body)
	switch {
	case slip == "":
		return nil
	case !yes && !c.DryRun && console.IsTTY(s.in) && console.IsTTY(s.err):
		q := question{text: slip + ". Send it?", hint: "to skip this question: --yes"}
		return q.ask(ctx, s)
	}
	server.line.Say("warning: %s", slip)
	return nil
}

// unusualLoad describes a load that looks like a typing error; "" if it does not, or if the server cannot be asked.
// Small loads are not checked, so they cost no request.
func unusualLoad(ctx context.Context, c *remote.Client, body remote.Submission) string {
	n, total := body.Command.Value, body.Command.Total
	if row, _ := body.Command.Type.Row(); !row.Level || n <= confirmFactor*confirmFactor {
		return ""
	}
	most, sum, ok := loadNow(ctx, c, body)
	switch {
	case !ok:
		return ""
	case !total && n > max(most, confirmFactor)*confirmFactor:
		return fmt.Sprintf("%d players per driver is more than ten times the present load (%d)", n, most)
	case total && n > max(sum, confirmFactor)*confirmFactor:
		return fmt.Sprintf("%d players in total is more than ten times the present load (%d)", n, sum)
	}
	return ""
}

// loadNow returns the present desired load of a target's drivers: the most on one driver, and the sum.
func loadNow(ctx context.Context, c *remote.Client, body remote.Submission) (most, sum int64, ok bool) {
	var of map[string]bool
	if body.Target != nil {
		tried, err := c.DryRun(ctx, body)
		if err != nil {
			return 0, 0, false // a refused command is not sent, and an older server cannot list its targets
		}
		of = map[string]bool{}
		for _, id := range tried.Value.Targets {
			of[id] = true
		}
	}
	page, err := c.Drift(ctx)
	for _, d := range page.Items {
		if of == nil || of[d.DriverId] {
			n := playersOf(d)
			most, sum = max(most, n), sum+n
		}
	}
	return most, sum, err == nil
}

// playersOf returns the desired players of a driver.
func playersOf(d api.DriverDrift) int64 {
	load := submit.DesiredLoad(d)
	for _, x := range d.Desired {
		if x.Seq == load {
			return commandOf(x.Command).Value
		}
	}
	return 0
}

// question is a confirmation prompt on the terminal.
type question struct {
	text string
	yes  bool   // Enter alone means yes
	hint string // how to skip the question
}

func (q question) keys() string {
	if q.yes {
		return "[Y/n]"
	}
	return "[y/N]"
}

func (q question) refused() error {
	return &clierr.Error{Code: clierr.Usage, What: "not confirmed; nothing was sent", Hint: q.hint}
}
