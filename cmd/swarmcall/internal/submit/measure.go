package submit

import (
	"context"
	"fmt"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

// Progress is the progress of a command's drivers, as the server reports it.
type Progress struct {
	Meant          int             // drivers that the command is for: targeted or left out, and not deregistered
	Converged      int             // of these, report what it asks for
	Lacking        int             // of these, have not applied it
	Unknown        map[string]bool // of these, stale or disconnected: their load is unknown
	Away           int             // of these, not in the server's roster
	Actual, Target int64           // players that active drivers report, and players that the command asks for
	Newer          int64           // the newest other entry that has since replaced the command on one of them; 0: none

	Roster []api.DriverDrift // every driver that the server knows
}

// Server provides the outcome of an entry and the drift of drivers.
type Server interface {
	Outcome(ctx context.Context, seq int64, limit time.Duration) (remote.Answer[remote.Entry], error)
	Drift(context.Context) (remote.Page[api.DriverDrift], error)
}

// Measure asks the server for the progress of an entry's drivers.
func Measure(ctx context.Context, c Server, seq int64) (Progress, error) {
	a, err := c.Outcome(ctx, seq, 0)
	if err != nil {
		return Progress{}, err
	}
	page, err := c.Drift(ctx)
	if err != nil {
		return Progress{}, err
	}
	return compare(a.Value, page.Items), nil
}

// compare combines the entry and the drivers. The server decides how many have converged. Players are counted on active
// drivers only, because the load of the others is unknown.
func compare(e remote.Entry, drivers []api.DriverDrift) Progress {
	of := remote.CommandOf(e)
	meant := remote.Meant(e) - len(remote.Deregistered(e))
	p := Progress{Roster: drivers, Meant: meant, Unknown: map[string]bool{}, Target: target(of, meant)}
	ids, seen, older := driversOf(e), 0, 0
	for _, d := range drivers {
		if !ids[d.DriverId] {
			continue
		}
		seen++
		desired := desiredSeq(d, of.Slot())
		switch {
		case desired > e.Seq:
			p.Newer = max(p.Newer, desired)
		case d.State != api.DriverStateActive:
			p.Unknown[d.DriverId] = true
		default:
			p.Actual += d.Reported.Players
			if desired == e.Seq && d.Drift == api.Converged {
				older++
			}
		}
	}
	p.Away = len(ids) - seen
	if by, ok := remote.ComputedOf(e); ok {
		p.Converged, p.Lacking = by.Converged, by.Lacking
	} else if p.Newer == 0 {
		p.Converged = older // an older server does not compute it, but reports the drift of each driver
	}
	return p
}

// Done reports whether every driver reports what the command asks for.
func (p Progress) Done() bool { return p.Converged >= p.Meant }

// Excused returns how many drivers cannot converge: they have not applied the command, or are unknown.
func (p Progress) Excused() int { return max(p.Lacking, len(p.Unknown)+p.Away) }

// String describes how many of the players run: "30 of 60 players run, 3 drivers unknown".
func (p Progress) String() string {
	s := fmt.Sprintf("%d of %d players run", p.Actual, p.Target)
	if p.Target == 0 {
		s = fmt.Sprintf("%d players run", p.Actual)
	}
	if len(p.Unknown)+p.Away == 0 {
		return s + ", on " + verdict.Drivers(p.Meant)
	}
	if n := len(p.Unknown); n > 0 {
		s += ", " + verdict.Drivers(n) + " unknown"
	}
	if p.Away > 0 {
		s += ", " + verdict.Drivers(p.Away) + " not in the roster"
	}
	return s
}

// driversOf returns the drivers that an entry is for, without those that have deregistered.
func driversOf(e remote.Entry) map[string]bool {
	ids := remote.MeantFor(e)
	for _, id := range remote.Deregistered(e) {
		delete(ids, id)
	}
	return ids
}

// target returns how many players this many drivers run under a command.
func target(c remote.Command, drivers int) int64 {
	switch row, _ := c.Type.Row(); {
	case !row.Level:
		return 0
	case c.Total:
		return c.Value
	}
	return c.Value * int64(drivers)
}

// desiredSeq returns the entry whose command is desired of a driver in one slot.
func desiredSeq(d api.DriverDrift, slot command.Slot) int64 {
	for _, x := range d.Desired {
		if remote.CommandOf(remote.Entry{Command: x.Command}).Slot() == slot {
			return x.Seq
		}
	}
	return 0
}

// DesiredLoad returns the entry whose load is desired of a driver; 0 for none.
func DesiredLoad(d api.DriverDrift) int64 { return desiredSeq(d, command.LoadSlot) }
