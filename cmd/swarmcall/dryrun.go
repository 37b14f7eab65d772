package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

// dryRun asks the server which drivers a command would go to now. It fails where the server would refuse the command.
func (c *submission) dryRun(ctx context.Context, s streams, server *session, body remote.Submission) error {
	a, err := server.DryRun(ctx, body)
	switch {
	case remote.NothingToStop(err):
		server.line.Say("dry run: nothing to stop: the drivers that matched have deregistered; nothing was sent")
		return nil
	case err != nil:
		return server.Explain(ctx, body.Target, err)
	}
	d := a.Value
	if body.Command.Type == command.Stop && len(d.Targets)+len(d.LeftOut) == 0 {
		return server.Explain(ctx, body.Target, dryStop(server, d))
	}
	server.line.Say("dry run: %s would go to %s%s; nothing was sent",
		body.Command, verdict.Drivers(len(d.Targets)), dryLeftOut(d))
	if spread := verdict.Spread(body.Command, len(d.Targets)); spread != "" {
		server.line.Say("dry run: %s", spread)
	}
	if n := deref(d.Shortfall); n > 0 {
		server.line.Say("dry run: no driver can run %d of the players", n)
	}
	return console.Print(s.out, c.format(), dryRows(d, a.Raw))
}

// dryStop reports on a stop that would be logged without a driver to send it to.
func dryStop(server *session, d api.DryRun) error {
	if deref(d.Awaited) {
		server.line.Say("dry run: no driver matches; the stop would be logged, and would stop drivers that " +
			"reconnect; " +
			"nothing was sent")
		return nil
	}
	return &clierr.Error{
		Code: clierr.TooFew, What: "the stop would reach no driver: no known driver matches its target",
		Detail: remote.InUseLines(d.InUse),
		Hint:   "check the spelling of the target; list the drivers and their labels: swarmcall drivers list",
	}
}

func dryLeftOut(d api.DryRun) string {
	n := len(d.LeftOut)
	e := remote.Entry{LeftOut: &d.LeftOut, Counts: api.Counts{LeftOut: &n}}
	text := ""
	if left := remote.LeftOutText(e); left != "" {
		text = ", " + left
	}
	if n := len(remote.Elsewhere(e)); n > 0 {
		text += fmt.Sprintf(", and would leave %d under a newer command by another submitter", n)
	}
	return text
}

// dryRows has one line per driver; the names are those of the targets only.
func dryRows(d api.DryRun, raw json.RawMessage) console.Rows {
	r := console.Rows{
		Columns: []console.Column{{Name: "DRIVER"}, {Name: "VERDICT"}, {Name: "PLAYERS"}, {Name: "WHY"}},
		Names:   d.Targets, Items: []json.RawMessage{raw}, Doc: raw,
	}
	parts := map[string]string{}
	for _, p := range deref(d.Split) {
		parts[p.DriverId] = strconv.FormatInt(p.Players, 10)
	}
	for _, id := range d.Targets {
		r.Cells = append(r.Cells, []string{id, "target", cmp.Or(parts[id], each(d.Command)), ""})
	}
	for _, l := range d.LeftOut {
		r.Cells = append(r.Cells, []string{l.DriverId, "left out", "", string(l.Reason)})
	}
	return r
}

// each returns how many players every driver would run.
func each(c api.Command) string {
	if c := commandOf(c); c.Load() && !c.Total {
		return strconv.FormatInt(c.Value, 10)
	}
	return ""
}
