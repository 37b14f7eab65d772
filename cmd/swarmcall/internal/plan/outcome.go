package plan

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

// muster notes which drivers a step has reached. It returns how many the step is for, and the participants that it has
// not reached and that the server does not have: they are lost, or have deregistered since they were looked for. A
// driver that somebody else commands is of this run no longer.
func (ps *participants) muster(e remote.Entry) (meant int, unknown []string) {
	ps.drop(remote.Elsewhere(e)...)
	before := ps.ids()
	ps.join(e.Seq, remote.Reached(e))
	all := remote.MeantFor(e)
	return len(all), slices.DeleteFunc(before, func(id string) bool { return all[id] })
}

// judge says what an outcome means for the run. Drivers that the last step reached and that the server does not even
// know any more are as missing as those that did not ack.
func judge(name string, step *report.Step, n, meant int, allow verdict.Allow) error {
	e := step.Entry.Value
	switch {
	case e.Counts.Rejected > 0:
		return verdict.Error(e, allow)
	case !allow.Covers(n, meant):
		return tooManyMissing(name, step, n, meant)
	case verdict.Code(e, verdict.Allow{Percent: 100}) == clierr.Superseded:
		return &clierr.Error{
			Code: clierr.Superseded, What: name + ": a newer command arrived before this one was sent",
			Cause: errors.New(verdict.Sentence(e)), Hint: "see swarmcall commands list",
		}
	}
	return nil
}

func tooManyMissing(name string, step *report.Step, n, meant int) error {
	seen := verdict.Blame(step.Entry.Value, 10)
	for _, id := range step.Lost {
		seen = append(seen, id+" lost: not connected when the step was sent")
	}
	return &clierr.Error{
		Code: clierr.Missing, What: fmt.Sprintf("%s: %d of %d drivers are missing", name, n, meant),
		Cause: errors.New(verdict.Sentence(step.Entry.Value)), Detail: seen[:min(len(seen), 10)],
		Hint: alive,
	}
}

// passed marks a step as good enough: what was missing was allowed, or has acked late, or when it was asked again.
// Reports must not show failures of a run that goes well.
func passed(s *report.Step) { s.Err, s.Allow = nil, verdict.Allow{Percent: 100} }

const retryPace = time.Second // between two tries, times their number

// retrying is a step that is sent again to the drivers that have not applied it. A driver that comes back is told the
// load by the server itself, and that counts as well.
type retrying struct {
	command remote.Command
	lost    map[string]bool // drivers that the server did not know when the step was sent
	entries []int64         // the step, and what was sent again of it
	meant   int             // drivers that the step was for
	missing []string        // drivers that have applied none of them; of very many, the first
	n       int             // how many have not
}

func newRetrying(c remote.Command, step report.Step, missing []string, n int) *retrying {
	e := step.Entry.Value
	g := &retrying{
		command: c, lost: map[string]bool{}, entries: []int64{e.Seq}, meant: remote.Meant(e) + len(step.Lost),
		missing: missing, n: n,
	}
	for _, id := range step.Lost {
		g.lost[id] = true
	}
	return g
}

// target is whom to send the step again: the drivers by id, or all of the plan's when the ids are not all known. A
// total is split again over the drivers that are there.
func (g *retrying) target(p *Plan) (t *remote.Target, least int) {
	if g.command.Total || g.n > len(g.missing) {
		return p.Aim(), p.MinDrivers
	}
	return &remote.Target{DriverIDs: g.missing}, 0
}

// sent notes what the step was sent again by. It returns the drivers that were not there.
func (g *retrying) sent(e remote.Entry) (away []string) {
	g.entries = append(g.entries, e.Seq)
	reached := remote.Reached(e)
	return slices.DeleteFunc(slices.Clone(g.missing), func(id string) bool { return reached[id] })
}

// count finds those who have still not applied any of the entries, as they are by now. A later entry holds in place of
// an earlier one, driver by driver, so none is counted twice.
func (g *retrying) count(entries []remote.Entry, server *older) {
	g.missing, g.n = nil, 0
	acked := map[string]bool{}
	for i, e := range entries {
		ids, n := server.outstanding(e)
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
		if last := i == len(entries)-1; last && g.command.Total && n == 0 &&
			e.Counts.Acked == e.Counts.Targeted {
			clear(g.lost) // all the players run, on the drivers that are there
		}
	}
	if !server.computes {
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
			parts = append(parts, p.what+" "+verdict.Some(p.ids))
		}
	}
	return strings.Join(parts, "; ")
}
