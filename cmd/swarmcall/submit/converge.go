package submit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
)

const (
	convergeLimit = time.Minute
	convergePace  = 250 * time.Millisecond
)

// Progress is how far the drivers of a command are.
type Progress struct {
	Drivers, There int   // how many acked, and how many of these report what they were told
	Actual, Target int64 // players
}

// Measure reads the roster and compares it with what an entry told its drivers.
func Measure(ctx context.Context, c *remote.Client, e remote.Answer[remote.Entry]) (Progress, error) {
	roster, err := c.Drivers(ctx, remote.DriverFilter{})
	if err != nil {
		return Progress{}, err
	}
	reports := make(map[string]api.DriverReport, len(roster.Items))
	for _, d := range roster.Items {
		if d.State != api.DriverStateDisconnected {
			reports[d.DriverId] = d.Reported
		}
	}
	return compare(e, reports), nil
}

// compare counts the drivers that are where the entry wants them.
func compare(e remote.Answer[remote.Entry], reports map[string]api.DriverReport) (p Progress) {
	command, share := remote.CommandOf(e.Value), shares(e.Raw)
	var acked []api.Acked
	if e.Value.Acked != nil {
		acked = *e.Value.Acked
	}
	for _, a := range acked {
		r, connected := reports[a.DriverId]
		want := target(command, share, a.DriverId)
		p.Drivers++
		p.Target += want
		p.Actual += r.Players
		switch {
		case !connected:
		case command.Type == api.CommandTypeSetSpawnDelayMs:
			if r.SpawnDelayMs == *command.SpawnDelayMS {
				p.There++
			}
		case r.Players == want && (want > 0 || command.Type != api.CommandTypeStop || !r.Running):
			p.There++
		}
	}
	return p
}

// target is what one driver was told to run.
func target(c remote.Command, share map[string]int64, id string) int64 {
	switch {
	case c.PlayersTotal != nil:
		return share[id]
	case c.Players != nil:
		return *c.Players
	}
	return 0
}

// shares are who got what of a total.
func shares(raw json.RawMessage) map[string]int64 {
	var e struct {
		Split []struct {
			DriverID string `json:"driver_id"`
			Players  int64  `json:"players"`
		} `json:"split"`
	}
	_ = json.Unmarshal(raw, &e) // an entry without a split has no shares
	m := make(map[string]int64, len(e.Split))
	for _, s := range e.Split {
		m[s.DriverID] = s.Players
	}
	return m
}

// converge waits until every driver that acked reports what it was told.
func (j Job) converge(ctx context.Context, c *remote.Client, e remote.Entry, began time.Time) error {
	limit := j.Timeout
	if limit == 0 {
		limit = convergeLimit
	}
	whole := remote.Answer[remote.Entry]{Value: e}
	if a, err := c.Outcome(ctx, e.Seq, 0); err == nil {
		whole = a
	}
	defer j.Line.Keep()
	for {
		p, err := Measure(ctx, c, whole)
		if err != nil {
			return err
		}
		j.Line.Draw(j.Line.Players(remote.CommandOf(e).String(), p.Actual, p.Target))
		if p.There == p.Drivers {
			j.Line.Say("converged: %d drivers report it, %d players, after %v", p.There, p.Actual, time.Since(began).Round(time.Millisecond))
			return nil
		}
		if time.Since(began) > limit {
			return &clierr.Error{
				Code: clierr.Timeout, What: fmt.Sprintf("not converged after %v: %d of %d drivers report it", limit, p.There, p.Drivers),
				Why:  fmt.Errorf("%d of %d players run", p.Actual, p.Target),
				Mend: "give a slow ramp more time: --timeout 5m; who lags: swarmcall drivers list -o wide",
			}
		}
		if !remote.Sleep(ctx, convergePace) {
			return ctx.Err()
		}
	}
}
