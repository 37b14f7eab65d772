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

// recordReached records which drivers a step has reached. It returns how many drivers the step is for, and the
// participants that it has not reached and that the server does not know: they are lost, or have deregistered since the
// last look. A driver that another submitter commands no longer takes part in this run.
func (ps *participants) recordReached(e remote.Entry) (meant int, unknown []string) {
	ps.drop(remote.Elsewhere(e)...)
	before := ps.ids()
	ps.join(e.Seq, remote.Reached(e))
	all := remote.MeantFor(e)
	return len(all), slices.DeleteFunc(before, func(id string) bool { return all[id] })
}

// judge interprets an outcome for the run. Drivers that the last step reached and that the server no longer knows count
// as missing, like those that did not ack.
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

// passed marks a step as accepted: the missing acks were allowed, or arrived late, or after a retry. Reports must not
// show failures for a run that succeeds.
func passed(s *report.Step) { s.Err, s.Allow = nil, verdict.Allow{Percent: 100} }

const retryPace = time.Second // between two tries, multiplied by their number

// retrying is a step that is sent again to the drivers that have not applied it. A driver that reconnects receives the
// load from the server, which counts as well.
type retrying struct {
	command remote.Command
	lost    map[string]bool // drivers that the server did not know when the step was sent
	entries []int64         // the step, and its retries
	meant   int             // drivers that the step was for
	missing []string        // drivers that have applied none of them; only the first if there are very many
	n       int             // number of these drivers
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

// target returns the target of the retry: the drivers by id, or the plan's target if not all ids are known. A total is
// split again over the drivers that are connected.
func (g *retrying) target(p *Plan) (t *remote.Target, least int) {
	if g.command.Total || g.n > len(g.missing) {
		return p.Aim(), p.MinDrivers
	}
	return &remote.Target{DriverIDs: g.missing}, 0
}

// sent records a retry. It returns the drivers that were not connected.
func (g *retrying) sent(e remote.Entry) (away []string) {
	g.entries = append(g.entries, e.Seq)
	reached := remote.Reached(e)
	return slices.DeleteFunc(slices.Clone(g.missing), func(id string) bool { return reached[id] })
}

// count finds the drivers that have still not applied any of the entries. A later entry replaces an earlier one, driver
// by driver, so no driver is counted twice.
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
		last := i == len(entries)-1
		if last && g.command.Total && n == 0 && e.Counts.Acked == e.Counts.Targeted {
			clear(g.lost) // all the players run on the drivers that are connected
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

// describeTry describes the result of a try: drivers that have applied it, that have not, and that it could not be sent
// to.
func describeTry(tried, missing, away []string) string {
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
