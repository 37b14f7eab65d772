package plan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/submit"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

// judge says what an outcome means for the run, and which drivers are missing, of very many the first, and how many
// there are. Drivers that the last step reached and that the server does not even know any more are as missing as those
// that did not ack.
func (r *Runner) judge(ctx context.Context, name string, step *report.Step) (missing []string, n int, _ error) {
	e := step.Entry.Value
	meant := r.muster(ctx, step)
	missing, n = r.outstanding(e)
	missing, n = append(slices.Clip(missing), step.Lost...), n+len(step.Lost)
	switch {
	case ctx.Err() != nil:
		step.Err = ctx.Err()
	case e.Counts.Rejected > 0:
		step.Err = verdict.Error(e, r.Plan.Allow)
	case !r.Plan.Allow.Covers(n, meant):
		step.Err = tooManyMissing(name, step, n, meant)
	case verdict.Code(e, verdict.Allow{Percent: 100}) == clierr.Superseded:
		step.Err = &clierr.Error{
			Code: clierr.Superseded, What: name + ": a newer command came before this one was sent",
			Cause: errors.New(verdict.Sentence(e)), Hint: "see swarmcall commands list",
		}
		r.taken = step.Err
	}
	return missing, n, step.Err
}

// muster notes which drivers a step has reached and which it has lost. It returns how many the step is meant for. A
// driver that somebody else commands is of this run no longer.
func (r *Runner) muster(ctx context.Context, step *report.Step) (meant int) {
	e := step.Entry.Value
	all := submit.Reached(e)
	for _, id := range remote.Elsewhere(e) {
		delete(r.crew, id)
	}
	old := slices.Sorted(maps.Keys(r.crew))
	r.join(e.Seq, all)
	for _, l := range remote.LeftOut(e) {
		all[l.DriverId] = true
	}
	old = slices.DeleteFunc(old, func(id string) bool { return all[id] })
	step.Lost = r.release(ctx, old) // the others have deregistered since they were looked for
	return len(all) + len(step.Lost)
}

func tooManyMissing(name string, step *report.Step, n, meant int) error {
	seen := verdict.Blame(step.Entry.Value, 10)
	for _, id := range step.Lost {
		seen = append(seen, id+" lost: not connected when the step was sent")
	}
	return &clierr.Error{
		Code: clierr.Missing, What: fmt.Sprintf("%s: %d of %d drivers are missing", name, n, meant),
		Cause: errors.New(verdict.Sentence(step.Entry.Value)), Detail: seen[:min(len(seen), 10)],
		Hint: "are these drivers alive? swarmcall drivers list; what a plan may do about it: swarmcall help plans",
	}
}

// outstanding are the drivers of an entry that have not applied it, by the server's answer: the first of them, and how
// many there are.
func (r *Runner) outstanding(e remote.Entry) (ids []string, n int) {
	if by, ok := remote.ComputedOf(e); ok {
		r.older.computes = true
		return by.Outstanding, by.Lacking
	}
	if r.older.computes { // a newer command holds for all of them
		return nil, 0
	}
	return stillMissing(e)
}
