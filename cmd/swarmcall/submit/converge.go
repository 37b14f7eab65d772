package submit

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
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
	Newer          int64 // the newest other entry that has since told one of them something else; 0: none has
}

// Measure asks the server which drivers of an entry report what it told them.
func Measure(ctx context.Context, c *remote.Client, e remote.Answer[remote.Entry]) (Progress, error) {
	page, err := c.Drift(ctx)
	if err != nil {
		return Progress{}, err
	}
	drift := make(map[string]api.DriverDrift, len(page.Items))
	for _, d := range page.Items {
		drift[d.DriverId] = d
	}
	return compare(e, drift), nil
}

// compare counts the drivers that are where the entry wants them. The server compares a report with what it desires by now, so a
// driver counts only while that is still the entry's own command.
func compare(e remote.Answer[remote.Entry], drift map[string]api.DriverDrift) (p Progress) {
	command, share := remote.CommandOf(e.Value), shares(e.Raw)
	if e.Value.Acked == nil {
		return p
	}
	slot := slotOf(command.Type)
	for _, a := range *e.Value.Acked {
		d, known := drift[a.DriverId]
		p.Drivers++
		p.Target += target(command, share, a.DriverId)
		p.Actual += d.Reported.Players
		desired := desiredSeq(d, slot)
		if desired > e.Value.Seq {
			p.Newer = max(p.Newer, desired)
		}
		if known && desired == e.Value.Seq && !slices.Contains(d.Reasons, slot) && !slices.Contains(d.Reasons, "not_reported") && !slices.Contains(d.Reasons, "disconnected") {
			p.There++
		}
	}
	return p
}

// slotOf is what a command decides about: set_players and stop the same.
func slotOf(t api.CommandType) api.DriftReason {
	if t == api.CommandTypeSetSpawnDelayMs {
		return api.DriftReasonSpawnDelayMs
	}
	return api.DriftReasonPlayers
}

// desiredSeq is the entry whose command is desired of a driver, in one slot.
func desiredSeq(d api.DriverDrift, slot api.DriftReason) int64 {
	for _, x := range d.Desired {
		if slotOf(remote.CommandOf(remote.Entry{Command: x.Command}).Type) == slot {
			return x.Seq
		}
	}
	return 0
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
	whole, err := c.Outcome(ctx, e.Seq, 0) // an answer to a retry may lack who acked
	if err != nil {
		return err
	}
	defer j.Line.Keep()
	for {
		p, err := Measure(ctx, c, whole)
		if err != nil {
			return err
		}
		j.Line.Draw(j.Line.Players(remote.CommandOf(e).String(), p.Actual, p.Target))
		if p.Newer > 0 {
			return overtaken(ctx, c, e, p.Newer)
		}
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

// overtaken is the error when drivers are told something else before they were seen to do this.
func overtaken(ctx context.Context, c *remote.Client, e remote.Entry, seq int64) error {
	err := &clierr.Error{
		Code: clierr.Superseded, What: fmt.Sprintf("not converged: entry %d commands these drivers now", seq),
		Why:  fmt.Errorf("%s (entry %d) was not seen to be reported by all before that", remote.CommandOf(e), e.Seq),
		Mend: fmt.Sprintf("it is left as it is; who sent it: swarmcall commands show %d", seq),
	}
	a, asked := c.Outcome(ctx, seq, 0)
	switch p := remote.RefusalOf(asked); {
	case asked == nil:
		err.What = fmt.Sprintf("not converged: %s commands these drivers now: %s (entry %d)", a.Value.Submitter, remote.CommandOf(a.Value), seq)
	case p != nil && p.Code == api.NotFound: // a reset is a record, and no entry
		err.What, err.Mend = "not converged: the server has reset the load to nothing since", "what is desired now: swarmcall state"
	}
	return err
}
