package plan

import (
	"context"
	"fmt"
	"slices"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

// command runs one step: it waits for the drivers, sends the command once, and handles drivers that do not ack.
func (r *Runner) command(ctx context.Context, s step) error {
	if err := r.rollCall(ctx); err != nil {
		return err
	}
	i := len(r.steps)
	sent, err := r.send(ctx, s.name, *s.command, r.Plan.Aim(), r.Plan.MinDrivers)
	if err != nil {
		return err
	}
	missing, n, err := r.judge(ctx, s.name, sent)
	if clierr.CodeOf(err) == clierr.Missing && s.onMissing == Retry {
		err = r.again(ctx, s.name, newRetrying(*s.command, *sent, missing, n), err)
	}
	if err == nil {
		for ; i < len(r.steps); i++ { // the step, and its retries
			passed(&r.steps[i])
		}
		return nil
	}
	if clierr.CodeOf(err) != clierr.Missing || s.onMissing != Continue {
		return err
	}
	r.Line.Say("%s: going on without %s", s.name, verdict.SomeOf(missing, n))
	r.drivers.drop(r.steps[i].Lost...)
	for _, l := range remote.LeftOut(r.steps[i].Entry.Value) {
		r.drivers.drop(l.DriverId)
	}
	if r.missed == nil {
		r.missed = err
	}
	return nil
}

// judge interprets an outcome for the run. It returns the missing drivers (only the first if there are very many) and
// their number.
func (r *Runner) judge(ctx context.Context, name string, step *report.Step) (missing []string, n int, _ error) {
	e := step.Entry.Value
	meant, unknown := r.drivers.recordReached(e)
	step.Lost = r.release(ctx, unknown)
	missing, n = r.older.outstanding(e)
	missing, n = append(slices.Clip(missing), step.Lost...), n+len(step.Lost)
	if step.Err = ctx.Err(); step.Err == nil {
		step.Err = judge(name, step, n, meant+len(step.Lost), r.Plan.Allow)
	}
	if clierr.CodeOf(step.Err) == clierr.Superseded {
		r.taken = step.Err
	}
	return missing, n, step.Err
}

// again returns nil once enough drivers have applied the step, or err when the retries are used up.
func (r *Runner) again(ctx context.Context, name string, g *retrying, err error) error {
	for try := 1; try <= *r.Plan.Retries; try++ {
		r.Line.Say("%s: try %d of %d again, for %s", name, try, *r.Plan.Retries, verdict.SomeOf(g.missing, g.n))
		if perr := r.pause(ctx, time.Duration(try)*retryPace); perr != nil {
			return perr
		}
		away, serr := r.resend(ctx, name, g)
		if serr != nil {
			return serr
		}
		tried := g.missing
		entries, serr := r.entries(ctx, g.entries)
		if serr != nil {
			return serr
		}
		g.count(entries, &r.older)
		r.Line.Say("%s: try %d of %d: %s", name, try, *r.Plan.Retries, describeTry(tried, g.missing, away))
		if r.Plan.Allow.Covers(g.n, max(len(r.drivers.ids()), g.meant)) {
			return nil
		}
	}
	return err
}

// resend sends a step again. It returns the drivers that were not connected.
func (r *Runner) resend(ctx context.Context, name string, g *retrying) (away []string, _ error) {
	target, least := g.target(r.Plan)
	next, err := r.post(ctx, name+", again", g.command,
		func(c remote.Command, key string) (remote.Answer[remote.Entry], error) {
			return r.issueWithin(ctx, 0, c, target, least, key)
		})
	if clierr.CodeOf(err) == clierr.TooFew { // nothing was sent: none of them is connected
		r.steps = r.steps[:len(r.steps)-1]
		return g.missing, nil
	}
	if err != nil {
		return nil, err
	}
	e := next.Entry.Value
	next.Err = verdict.Error(e, r.Plan.Allow)
	return g.sent(e), nil
}

// send issues a command and waits for its outcome. An error means that no outcome is known; judge interprets the
// outcome. A stop goes to the connected drivers at once; for any other command drivers get time to connect.
func (r *Runner) send(
	ctx context.Context, name string, c remote.Command, target *remote.Target, least int,
) (*report.Step, error) {
	patience := r.Plan.Rejoin
	if c.Type == command.Stop {
		patience = 0
	}
	return r.post(ctx, name, c, func(c remote.Command, key string) (remote.Answer[remote.Entry], error) {
		return r.issueWithin(ctx, patience, c, target, least, key)
	})
}

// post adds a step for a command: issue sends the command with its key.
func (r *Runner) post(
	ctx context.Context, name string, c remote.Command,
	issue func(c remote.Command, key string) (remote.Answer[remote.Entry], error),
) (*report.Step, error) {
	step := report.Step{Name: name + ": " + c.String(), Allow: r.Plan.Allow}
	step.Key, c.Note = r.claim.next()
	step.Entry, step.Err = issue(c, step.Key)
	if step.Err == nil {
		e := step.Entry.Value
		r.claim.adopt(e)
		var a remote.Answer[remote.Entry]
		a, step.Err = r.outcome(ctx, e)
		if step.Err == nil {
			step.Entry = a
			r.Line.Say("%s%s: %s", name, forWhom(a.Value), verdict.Sentence(a.Value))
		}
	}
	r.retries = r.Server.Retries()
	r.steps = append(r.steps, step)
	return &r.steps[len(r.steps)-1], step.Err
}

// forWhom describes the target of a step, unless it is for all drivers: " [region=eu]".
func forWhom(e remote.Entry) string {
	if remote.TargetText(e.Target) == "" {
		return ""
	}
	return " [" + remote.TargetBrief(e.Target) + "]"
}

// submission returns a command with the condition that ours is the newest.
func (r *Runner) submission(c remote.Command, target *remote.Target, least int, condition *int64) remote.Submission {
	return remote.Submission{
		Submitter: r.Submitter, Command: c, Target: target, MinDrivers: least, IfSeq: condition,
		DeadlineMS: r.Plan.Deadline.Milliseconds(),
	}
}

// issueWithin sends a command with the condition that ours is the newest, and gives drivers time to connect. The first
// step does not know the newest command: the server refuses it and names the older command, and the step is sent again
// with the condition that this one is still the newest.
func (r *Runner) issueWithin(
	ctx context.Context, patience time.Duration, c remote.Command, target *remote.Target, least int, key string,
) (remote.Answer[remote.Entry], error) {
	s := r.submission(c, target, least, &r.claim.newest)
	began, told := time.Now(), false
	for {
		a, err := r.once(ctx, s, key)
		seq, refused := remote.Newer(err)
		switch {
		case refused && seq != r.claim.newest:
			if r.taken = r.takenBy(ctx, seq, err); r.taken != nil {
				return a, r.taken
			}
			r.claim.newest, r.claim.known = seq, true
		case clierr.CodeOf(err) == clierr.TooFew && time.Since(began) < patience && ctx.Err() == nil:
			if !told {
				r.Line.Say("waiting for drivers, at most %v: %s", patience, remote.RefusalOf(err).Says())
				told = true
			}
			if !remote.Sleep(ctx, rollPace) {
				return a, ctx.Err()
			}
		default:
			return a, err
		}
	}
}

// once sends a command, and records whether it may have started load. A refusal is certain only if it answers the first
// try: an earlier try may have been accepted.
func (r *Runner) once(ctx context.Context, s remote.Submission, key string) (remote.Answer[remote.Entry], error) {
	tries, before := r.Server.Retries(), r.sent.Load()
	r.sent.Store(before || isLevel(s.Command))
	a, err := r.Server.Issue(ctx, s, key)
	if p := remote.RefusalOf(err); p != nil && p.Status/100 == 4 && r.Server.Retries() == tries {
		r.sent.Store(before)
	}
	return a, err
}

// outcome waits for the outcome of an entry. Drivers that were lost by a restart of the server get time to reconnect:
// they receive the command when they register, and their late acks count as well.
func (r *Runner) outcome(ctx context.Context, e remote.Entry) (remote.Answer[remote.Entry], error) {
	a, err := r.Server.Outcome(ctx, e.Seq, remote.OutcomeLimit(e))
	if err != nil {
		return a, remote.StillOpen(e.Seq, err)
	}
	if !remote.Closed(a.Value) {
		return a, verdict.Error(a.Value, r.Plan.Allow)
	}
	restarted := slices.ContainsFunc(a.Value.Missing, func(m api.Missing) bool {
		return m.Reason == api.MissingReasonServerRestart
	})
	for end := time.Now().Add(afterAway); restarted && time.Now().Before(end); {
		_, n := r.older.outstanding(a.Value)
		if n == 0 {
			break
		}
		r.Line.Draw(fmt.Sprintf("the server was restarted; waiting for %d drivers to apply entry %d", n, e.Seq))
		if err := r.pause(ctx, rollPace); err != nil {
			return a, err
		}
		if a, err = r.Server.Outcome(ctx, e.Seq, 0); err != nil {
			return a, remote.StillOpen(e.Seq, err)
		}
	}
	return a, nil
}
