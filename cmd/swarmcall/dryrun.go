package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/show"
)

// dryRun shows which drivers a command would go to now. It fails where the server would refuse for want of drivers.
func (c *submission) dryRun(ctx context.Context, s streams, server *session, command remote.Command) error {
	page, err := server.Drivers(ctx, remote.DriverFilter{State: "active", Labels: labelFilter(c.Label)})
	if err != nil {
		return err
	}
	rows := driverRows(page)
	rows.keep(func(i int) bool { return len(c.Driver) == 0 || slices.Contains(c.Driver, rows.Names[i]) })
	server.line.Say("dry run: %s would go to %d drivers; nothing was sent", command, len(rows.Names))
	if err := show.Print(s.out, c.format(), rows.Rows); err != nil {
		return err
	}
	if n := len(rows.Names); n == 0 || n < c.MinDrivers {
		return &clierr.Error{
			Code: clierr.TooFew, What: fmt.Sprintf("there are %d active drivers for it, and it wants %d", n, max(c.MinDrivers, 1)),
			Mend: "who is there: swarmcall drivers list; wait for them: swarmcall wait drivers N",
		}
	}
	return nil
}

// rosterRows are rows that can be thinned out.
type rosterRows struct{ show.Rows }

// keep drops the rows for which wanted is false.
func (r *rosterRows) keep(wanted func(i int) bool) {
	kept := show.Rows{Columns: r.Columns}
	for i := range r.Names {
		if wanted(i) {
			kept.Cells, kept.Names, kept.Items = append(kept.Cells, r.Cells[i]), append(kept.Names, r.Names[i]), append(kept.Items, r.Items[i])
		}
	}
	r.Rows = kept
}
