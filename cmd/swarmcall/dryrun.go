package main

import (
	"context"
	"fmt"
	"slices"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/show"
)

// dryRun shows which drivers a command would go to now. It fails where the server would refuse for want of drivers.
func (c *submission) dryRun(ctx context.Context, s streams, server *session, command remote.Command) error {
	page, err := server.Drivers(ctx, remote.DriverFilter{Labels: labelFilter(c.Label)})
	if err != nil {
		return err
	}
	rows := driverRows(page)
	rows.keep(func(i int) bool { return len(c.Driver) == 0 || slices.Contains(c.Driver, rows.Names[i]) })
	active := rows
	active.keep(func(i int) bool { return rows.states[i] == api.DriverStateActive })
	if command.Type == api.CommandTypeStop && len(active.Names) == 0 {
		return c.dryStop(ctx, s, server, rows)
	}
	server.line.Say("dry run: %s would go to %d drivers; nothing was sent", command, len(active.Names))
	if err := show.Print(s.out, c.format(), active.Rows); err != nil {
		return err
	}
	if n := len(active.Names); n == 0 || n < c.MinDrivers {
		return tooFew(n, max(c.MinDrivers, 1))
	}
	return nil
}

// dryStop is of a stop that finds no driver active: the server takes it for those that may come back, however many are asked for.
func (c *submission) dryStop(ctx context.Context, s streams, server *session, lost rosterRows) error {
	if len(lost.Names) == 0 {
		loaded, err := c.loaded(ctx, server)
		if err != nil {
			return err
		}
		if !loaded {
			return tooFew(0, 1)
		}
	}
	server.line.Say("dry run: no driver is active; stop would wait for %d drivers that are away; nothing was sent", len(lost.Names))
	return show.Print(s.out, c.format(), lost.Rows)
}

// loaded tells whether load is desired of any driver that the target could select.
func (c *submission) loaded(ctx context.Context, server *session) (bool, error) {
	state, err := server.State(ctx, "", 1)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(state.Value.Desired, func(r api.DesiredRule) bool {
		return command(r.Command).Type == api.CommandTypeSetPlayers && c.concerns(r.Target)
	}), nil
}

// concerns tells whether one driver could be in this target and in that of a rule.
func (c *submission) concerns(t api.Target) bool {
	if t.DriverIds != nil && len(*t.DriverIds) > 0 && len(c.Driver) > 0 &&
		!slices.ContainsFunc(c.Driver, func(id string) bool { return slices.Contains(*t.DriverIds, id) }) {
		return false
	}
	for key, value := range deref(t.Labels) {
		if mine, given := c.Label[key]; given && mine != value {
			return false
		}
	}
	return true
}

func tooFew(n, want int) error {
	return &clierr.Error{
		Code: clierr.TooFew, What: fmt.Sprintf("there are %d active drivers for it, and it wants %d", n, want),
		Mend: "who is there: swarmcall drivers list; wait for them: swarmcall wait drivers N",
	}
}

// rosterRows are rows that can be thinned out.
type rosterRows struct {
	show.Rows
	states []api.DriverState
}

// keep drops the rows for which wanted is false.
func (r *rosterRows) keep(wanted func(i int) bool) {
	kept, states := show.Rows{Columns: r.Columns}, []api.DriverState(nil)
	for i := range r.Names {
		if wanted(i) {
			kept.Cells, kept.Names, kept.Items = append(kept.Cells, r.Cells[i]), append(kept.Names, r.Names[i]), append(kept.Items, r.Items[i])
			states = append(states, r.states[i])
		}
	}
	r.Rows, r.states = kept, states
}
