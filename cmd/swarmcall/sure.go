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

// surely is how many times the present load a new one may be before one is asked whether it is meant, and the least
// load that counts: 10 for 1 is a slip of one key. The dashboard has the same rule.
const surely = 10

// sure asks on a terminal whether so many players are meant, if they are more than ten times what is asked of the
// drivers now. Elsewhere nobody can answer: it warns, and the command is sent.
func (c *submission) sure(ctx context.Context, s streams, server *session, body remote.Submission, yes bool) error {
	slip := slipOf(ctx, server.Client, body)
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

// slipOf says how a load looks like a slip of a key; "" if it does not, or if the server cannot be asked. Small loads
// are not asked about, so that they cost no request.
func slipOf(ctx context.Context, c *remote.Client, body remote.Submission) string {
	n, total := body.Command.Value, body.Command.Total
	if row, _ := body.Command.Type.Row(); !row.Level || n <= surely*surely {
		return ""
	}
	most, sum, ok := loadNow(ctx, c, body)
	switch {
	case !ok:
		return ""
	case !total && n > max(most, surely)*surely:
		return fmt.Sprintf("%d players per driver is more than ten times the present load (%d)", n, most)
	case total && n > max(sum, surely)*surely:
		return fmt.Sprintf("%d players in total is more than ten times the present load (%d)", n, sum)
	}
	return ""
}

// loadNow is what is asked of the drivers of a target now: the most of one, and of all.
func loadNow(ctx context.Context, c *remote.Client, body remote.Submission) (most, sum int64, ok bool) {
	var of map[string]bool
	if body.Target != nil {
		tried, err := c.DryRun(ctx, body)
		if err != nil {
			return 0, 0, false // what is refused is not sent, and an older server cannot say whom it would go to
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

// playersOf is how many players are asked of a driver.
func playersOf(d api.DriverDrift) int64 {
	load := submit.DesiredLoad(d)
	for _, x := range d.Desired {
		if x.Seq == load {
			return commandOf(x.Command).Value
		}
	}
	return 0
}

// question is one that is asked on the terminal.
type question struct {
	text string
	yes  bool   // Enter alone is yes
	hint string // how to do without it
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
