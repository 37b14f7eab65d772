package plan

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/submit"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

const againPace = time.Second // between two tries, times their number

// retrying is a step that is sent again to the drivers that have not applied it. A driver that comes back is told the
// load by the server itself, and that counts as well.
type retrying struct {
	*Runner
	name    string
	command remote.Command
	lost    map[string]bool // drivers that the server did not know when the step was sent
	entries []int64         // the step, and what was sent again of it
	missing []string        // drivers that have applied none of them; of very many, the first
	n       int             // how many have not
}

// again returns nil once enough drivers have applied the step, or err when the tries are used up.
func (r *Runner) again(
	ctx context.Context, name string, c remote.Command, step report.Step, missing []string, n int, err error,
) error {
	g := retrying{
		Runner: r, name: name, command: c, lost: map[string]bool{}, entries: []int64{step.Entry.Value.Seq},
		missing: missing, n: n,
	}
	for _, id := range step.Lost {
		g.lost[id] = true
	}
	for try := 1; try <= *r.Plan.Retries; try++ {
		r.Line.Say("%s: try %d of %d again, for %s", name, try, *r.Plan.Retries, verdict.SomeOf(g.missing, g.n))
		if perr := r.pause(ctx, time.Duration(try)*againPace); perr != nil {
			return perr
		}
		away, serr := g.send(ctx)
		if serr != nil {
			return serr
		}
		tried := g.missing
		if serr := g.count(ctx); serr != nil {
			return serr
		}
		r.Line.Say("%s: try %d of %d: %s", name, try, *r.Plan.Retries, came(tried, g.missing, away))
		if r.Plan.Allow.Covers(g.n, max(len(r.crew), remote.Meant(step.Entry.Value)+len(step.Lost))) {
			return nil
		}
	}
	return err
}

// send sends the step again: by id, or to all of the target when the ids are not all known. A total is split again over
// the drivers that are there. It returns the drivers that were not.
func (g *retrying) send(ctx context.Context) (away []string, _ error) {
	target, least := &remote.Target{DriverIDs: g.missing}, 0
	if g.command.Total || g.n > len(g.missing) {
		target, least = g.Plan.Aim(), g.Plan.MinDrivers
	}
	issue := func(c remote.Command, key string) (remote.Answer[remote.Entry], error) {
		return g.issueWithin(ctx, 0, c, target, least, key)
	}
	next, err := g.post(ctx, g.name+", again", g.command, issue)
	if clierr.CodeOf(err) == clierr.TooFew { // nothing was sent: none of them is there
		g.steps = g.steps[:len(g.steps)-1]
		return g.missing, nil
	}
	if err != nil {
		return nil, err
	}
	e := next.Entry.Value
	g.entries = append(g.entries, e.Seq)
	next.Err = verdict.Error(e, g.Plan.Allow)
	reached := submit.Reached(e)
	for _, id := range g.missing {
		if !reached[id] {
			away = append(away, id)
		}
	}
	return away, nil
}

// count asks the server who has still not applied any of the entries. A later entry holds in place of an earlier one,
// driver by driver, so none is counted twice.
func (g *retrying) count(ctx context.Context) error {
	g.missing, g.n = nil, 0
	acked := map[string]bool{}
	for i, seq := range g.entries {
		a, err := g.Client.Outcome(ctx, seq, 0)
		if err != nil {
			return err
		}
		e := a.Value
		ids, n := g.outstanding(e)
		g.missing, g.n = append(g.missing, ids...), g.n+n
		if i == 0 {
			continue
		}
		if e.Acked != nil {
			for _, x := range *e.Acked {
				acked[x.DriverId] = true
				delete(g.lost, x.DriverId)
			}
		}
		if last := i == len(g.entries)-1; last && g.command.Total && n == 0 &&
			e.Counts.Acked == e.Counts.Targeted {
			clear(g.lost) // all the players run, on the drivers that are there
		}
	}
	if !g.older.computes {
		g.missing = ackedNone(g.missing, acked)
		g.n = len(g.missing)
	}
	for id := range g.lost {
		g.n++
		if !slices.Contains(g.missing, id) {
			g.missing = append(g.missing, id)
		}
	}
	slices.Sort(g.missing)
	return nil
}

// came says what came of a try, by those that have applied it, those that have not, and those that it could not be sent
// to.
func came(tried, missing, away []string) string {
	var applied, silent, gone []string
	for _, id := range tried {
		switch {
		case !slices.Contains(missing, id):
			applied = append(applied, id)
		case slices.Contains(away, id):
			gone = append(gone, id)
		default:
			silent = append(silent, id)
		}
	}
	var parts []string
	for _, p := range []struct {
		ids  []string
		what string
	}{{applied, "acked by"}, {silent, "not acked by"}, {gone, "not connected:"}} {
		if len(p.ids) > 0 {
			parts = append(parts, p.what+" "+some(p.ids))
		}
	}
	return strings.Join(parts, "; ")
}
