package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

type stateCmd struct {
	Drift string `enum:",converged,drifting,unknown" default:"" help:"Only drivers that are converged, drifting or unknown." placeholder:"KIND"`
	Limit int32  `default:"1000" help:"Maximum number of drivers (${default})." placeholder:"N"`
	connection
	output
}

// Validate bounds the flags. Kong calls it.
func (c *stateCmd) Validate() error {
	if c.Limit < 1 || c.Limit > 1000 {
		return errors.New("--limit must be 1 to 1000")
	}
	return nil
}

// Run prints the desired state, and which drivers report it.
func (c *stateCmd) Run(ctx context.Context, s streams) error {
	server, err := c.dial(s, "")
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	a, err := server.State(ctx, c.Drift, c.Limit)
	if err != nil {
		return err
	}
	v := a.Value
	server.line.Say("%d converged, %d drifting, %d unknown", v.Counts.Converged, v.Counts.Drifting, v.Counts.Unknown)
	for _, rule := range v.Desired {
		outside := ""
		if n := deref(rule.OutsideSplit); n > 0 {
			outside = fmt.Sprintf(", %d outside the split", n)
		}
		server.line.Say("desired: %s %s (entry %d): %d of %d drivers report it%s",
			commandOf(rule.Command), remote.TargetText(rule.Target), rule.Seq, rule.Converged, rule.Matching, outside)
	}
	if p := v.Stop; p != nil {
		server.line.Say("stop %d: %d of %d have since reported 0 players; pending: %s", p.Seq, p.Stopped, p.Targets,
			strings.Join(p.Pending, ", "))
	}
	rows, err := driftRows(a)
	if err != nil {
		return err
	}
	return console.Print(s.out, c.format(), rows)
}

func commandOf(c api.Command) remote.Command { return remote.CommandOf(remote.Entry{Command: c}) }

// driftRows has one line per driver; the document is the whole state.
func driftRows(a remote.Answer[api.State]) (console.Rows, error) {
	r := console.Rows{
		Columns: []console.Column{{Name: "DRIVER"}, {Name: "DRIFT"}, {Name: "WHY"}, {Name: "DESIRED"},
			{Name: "PLAYERS"}, {Name: "DELAY"}, {Name: "APPLIED", Wide: true}},
		Doc: a.Raw,
	}
	var raw struct {
		Items []json.RawMessage `json:"items"`
	}
	if err := json.Unmarshal(a.Raw, &raw); err != nil {
		return r, err
	}
	r.Items = raw.Items
	for _, d := range a.Value.Items {
		var desired, reasons []string
		for _, x := range d.Desired {
			desired = append(desired, commandOf(x.Command).String())
		}
		for _, x := range d.Reasons {
			reasons = append(reasons, string(x))
		}
		if deref(d.OutsideSplit) {
			reasons = append(reasons, "outside the split")
		}
		players, delay := fmt.Sprint(d.Reported.Players), fmt.Sprintf("%dms", d.Reported.SpawnDelayMs)
		if d.Drift == api.Unknown { // its last report does not describe the present
			players, delay = "?", "?"
		}
		r.Names = append(r.Names, d.DriverId)
		r.Cells = append(r.Cells, []string{
			d.DriverId, string(d.Drift), strings.Join(reasons, ","), strings.Join(desired, ", "), players, delay,
			fmt.Sprint(d.AppliedSeq),
		})
	}
	return r, nil
}
