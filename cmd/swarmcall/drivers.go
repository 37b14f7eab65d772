package main

import (
	"context"
	"encoding/json"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

type driversCmd struct {
	List driversListCmd `cmd:"" default:"withargs" help:"List the drivers and their states."`
	Show driversShowCmd `cmd:"" help:"Show one driver."`
}

type driversListCmd struct {
	State string            `enum:",active,stale,disconnected" default:"" help:"Only drivers in this state: active, stale or disconnected." placeholder:"STATE"`
	Label map[string]string `help:"Only drivers with this label; repeat to require several labels." placeholder:"KEY=VALUE" mapsep:"none"`
	Limit int               `help:"Maximum number of drivers; 0 for all." placeholder:"N"`
	connection
	output
}

// Validate bounds the flags. Kong calls it.
func (c *driversListCmd) Validate() error { return limitNotNegative(c.Limit) }

// Run prints the roster.
func (c *driversListCmd) Run(ctx context.Context, s streams) error {
	server, err := c.dial(s, "")
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	page, err := server.Drivers(ctx, remote.DriverFilter{
		State: c.State, Labels: remote.LabelFilter(c.Label), Limit: c.Limit,
	})
	if err != nil {
		return err
	}
	k := page.Counts
	server.line.Say("%d active, %d stale, %d disconnected", k.Active, k.Stale, k.Disconnected)
	for _, d := range page.Items {
		if d.Conflict != nil {
			server.line.Say("%s: several processes use this driver id and end each other's sessions: %s", d.DriverId,
				conflictText(d.Conflict))
		}
	}
	for _, line := range server.unmatched(ctx, len(page.Items), c.Label) {
		server.line.Say("no driver matches; %s", line)
	}
	return console.Print(s.out, c.format(), driverRows(page))
}

type driversShowCmd struct {
	ID string `arg:"" name:"id" help:"Driver id."`
	connection
	output
}

// Run prints one driver.
func (c *driversShowCmd) Run(ctx context.Context, s streams) error {
	server, err := c.dial(s, "")
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	a, err := server.Driver(ctx, c.ID)
	if err != nil {
		return err
	}
	rows := driverRows(remote.Page[remote.Driver]{Items: []remote.Driver{a.Value}, Raw: []json.RawMessage{a.Raw}})
	rows.Doc = a.Raw
	if f := c.format(); f != console.Auto && f != console.Table {
		return console.Print(s.out, f, rows)
	}
	return console.Print(s.out, c.format(), fields(rows))
}

// fields transposes a single row: one line per column.
func fields(r console.Rows) console.Rows {
	turned := console.Rows{
		Columns: []console.Column{{Name: "FIELD"}, {Name: "VALUE"}}, Names: r.Names, Items: r.Items, Doc: r.Doc,
	}
	for i, c := range r.Columns {
		turned.Cells = append(turned.Cells, []string{c.Name, r.Cells[0][i]})
	}
	return turned
}
