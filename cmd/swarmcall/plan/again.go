package plan

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/verdict"
)

const againPace = time.Second // between two tries, times their number

// again sends a step to those that did not ack, until they have, in one way or another: a driver that comes back is told the load by
// the server itself, and its late ack counts. It returns nil, or the last error when the tries are used up.
func (r *Runner) again(ctx context.Context, name string, c remote.Command, step report.Step, err error) error {
	entries := []int64{step.Entry.Value.Seq}
	missing := append(stillMissing(step.Entry.Value), step.Lost...)
	for try := 1; try <= *r.Plan.Retries; try++ {
		r.Line.Say("%s: try %d of %d again, for %s", name, try, *r.Plan.Retries, some(missing))
		if !remote.Sleep(ctx, time.Duration(try)*againPace) {
			return ctx.Err()
		}
		active, rerr := r.active(ctx)
		if rerr != nil {
			return rerr
		}
		there := slices.DeleteFunc(slices.Clone(missing), func(id string) bool { return !active[id] })
		if len(there) > 0 {
			target, least := &remote.Target{DriverIDs: there}, 0
			if c.PlayersTotal != nil {
				target, least = r.Plan.target(), r.Plan.MinDrivers // a total is split anew over those who are there
			}
			next, serr := r.send(ctx, name+", again", c, target, least)
			if serr != nil && clierr.CodeOf(serr) != clierr.TooFew {
				return serr
			}
			if serr == nil {
				entries = append(entries, next.Entry.Value.Seq)
				next.Err = verdict.Error(next.Entry.Value, r.Plan.Allow)
			}
		}
		tried := missing
		if missing, rerr = r.notYet(ctx, entries, missing, c.PlayersTotal != nil); rerr != nil {
			return rerr
		}
		r.Line.Say("%s: try %d of %d: %s", name, try, *r.Plan.Retries, came(tried, missing, there))
		if r.Plan.Allow.Covers(len(missing), len(r.crew)) {
			return nil
		}
	}
	return err
}

// notYet are the missing drivers that have acked none of the entries, in time or late.
func (r *Runner) notYet(ctx context.Context, entries []int64, missing []string, total bool) ([]string, error) {
	done := map[string]bool{}
	for _, seq := range entries {
		a, err := r.Client.Outcome(ctx, seq, 0)
		if err != nil {
			return missing, err
		}
		e := a.Value
		if e.Acked != nil {
			for _, x := range *e.Acked {
				done[x.DriverId] = true
			}
		}
		for _, l := range e.Late {
			done[l.DriverId] = done[l.DriverId] || l.Status == "applied"
		}
		if total && len(entries) > 1 && seq == entries[len(entries)-1] && e.Counts.Acked == e.Counts.Targeted {
			return nil, nil // all the players run, on those who are there
		}
	}
	return slices.DeleteFunc(slices.Clone(missing), func(id string) bool { return done[id] }), nil
}

// came says what came of a try, by those that have acked, those that have not, and those that it could not be sent to.
func came(tried, missing, there []string) string {
	var acked, silent, away []string
	for _, id := range tried {
		switch {
		case !slices.Contains(missing, id):
			acked = append(acked, id)
		case slices.Contains(there, id):
			silent = append(silent, id)
		default:
			away = append(away, id)
		}
	}
	var parts []string
	for _, p := range []struct {
		ids  []string
		what string
	}{{acked, "acked by"}, {silent, "not acked by"}, {away, "not connected:"}} {
		if len(p.ids) > 0 {
			parts = append(parts, p.what+" "+some(p.ids))
		}
	}
	return strings.Join(parts, "; ")
}
