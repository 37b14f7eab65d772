package plan

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

func setPlayers(each, total *int64) remote.Command {
	if total != nil {
		return remote.Command{Type: command.SetPlayers, Value: *total, Total: true}
	}
	return remote.Command{Type: command.SetPlayers, Value: *each}
}

func setDelay(d time.Duration) remote.Command {
	return remote.Command{Type: command.SetSpawnDelay, Value: d.Milliseconds()}
}

// isLevel tells a command that sets a level of load, 0 included, from the others.
func isLevel(c remote.Command) bool {
	row, _ := c.Type.Row()
	return row.Level
}

// command is one step: sent when its drivers are there, once, and dealt with when some of them do not ack.
func (r *Runner) command(ctx context.Context, name string, c remote.Command, onMissing string) error {
	if err := r.rollCall(ctx); err != nil {
		return err
	}
	i := len(r.steps)
	step, err := r.send(ctx, name, c, r.Plan.Aim(), r.Plan.MinDrivers)
	if err != nil {
		return err
	}
	missing, n, err := r.judge(ctx, name, step)
	if clierr.CodeOf(err) == clierr.Missing && onMissing == Retry {
		err = r.again(ctx, name, c, *step, missing, n, err)
	}
	if err == nil {
		for ; i < len(r.steps); i++ { // the step, and what was sent again of it
			passed(&r.steps[i])
		}
		return nil
	}
	if clierr.CodeOf(err) != clierr.Missing || onMissing != Continue {
		return err
	}
	r.Line.Say("%s: going on without %s", name, verdict.SomeOf(missing, n))
	for _, id := range r.steps[i].Lost {
		delete(r.crew, id)
	}
	for _, l := range remote.LeftOut(r.steps[i].Entry.Value) {
		delete(r.crew, l.DriverId)
	}
	if r.missed == nil {
		r.missed = err
	}
	return nil
}

// passed marks a step as good enough: what was missing was allowed, or has acked late, or when it was asked again. Reports must not
// show failures of a run that goes well.
func passed(s *report.Step) { s.Err, s.Allow = nil, verdict.Allow{Percent: 100} }

// send issues a command and waits for its outcome. The error is that no outcome is known; what the outcome says is for judge.
func (r *Runner) send(ctx context.Context, name string, c remote.Command, target *remote.Target, least int) (*report.Step, error) {
	return r.post(ctx, name, c, func(c remote.Command, key string) (remote.Answer[remote.Entry], error) {
		return r.issue(ctx, c, target, least, key)
	})
}

// post makes a step of a command: issue sends it under its key.
func (r *Runner) post(
	ctx context.Context, name string, c remote.Command,
	issue func(c remote.Command, key string) (remote.Answer[remote.Entry], error),
) (*report.Step, error) {
	r.issued++
	step := report.Step{Name: name + ": " + c.String(), Key: fmt.Sprintf("%s/%d", r.ID, r.issued), Allow: r.Plan.Allow}
	c.Note = r.note(r.issued)
	step.Entry, step.Err = issue(c, step.Key)
	if step.Err == nil {
		e := step.Entry.Value
		r.adopt(e)
		var a remote.Answer[remote.Entry]
		a, step.Err = r.outcome(ctx, e)
		if step.Err == nil {
			step.Entry = a
			r.Line.Say("%s%s: %s", name, forWhom(a.Value), verdict.Sentence(a.Value))
		}
	}
	r.retries = r.Client.Retries()
	r.steps = append(r.steps, step)
	return &r.steps[len(r.steps)-1], step.Err
}

// forWhom is the target of a step in a line about it, unless it is for all drivers: " [region=eu]".
func forWhom(e remote.Entry) string {
	if remote.TargetText(e.Target) == "" {
		return ""
	}
	return " [" + remote.TargetBrief(e.Target) + "]"
}

// note marks the commands of this run, so that it knows its own.
func (r *Runner) note(n int) string {
	const most = 120
	name := strings.ToValidUTF8(r.Plan.Name[:min(len(r.Plan.Name), most)], "") // it may be cut in a character
	return fmt.Sprintf("%s step %d of plan %s", r.ID, n, name)
}

// issue sends a command on the condition that ours is the newest. The first step does not know what is: it is refused
// for what was there before, which the server names, and then sent on the condition that this is still so. A stop is
// for those who are there.
func (r *Runner) issue(ctx context.Context, c remote.Command, target *remote.Target, least int, key string) (remote.Answer[remote.Entry], error) {
	patience := r.Plan.Rejoin
	if c.Type == command.Stop {
		patience = 0
	}
	return r.issueWithin(ctx, patience, c, target, least, key)
}

// issueWithin is issue that gives drivers so long to come.
func (r *Runner) issueWithin(
	ctx context.Context, patience time.Duration, c remote.Command, target *remote.Target, least int, key string,
) (remote.Answer[remote.Entry], error) {
	s := remote.Submission{
		Submitter: r.Submitter, Command: c, Target: target, DeadlineMS: r.Plan.Deadline.Milliseconds(), MinDrivers: least,
		IfSeq: &r.newest,
	}
	began, told := time.Now(), false
	for {
		a, err := r.once(ctx, s, key)
		seq, refused := remote.Newer(err)
		switch {
		case refused && seq != r.newest:
			if r.taken = r.takenBy(ctx, seq, err); r.taken != nil {
				return a, r.taken
			}
			r.newest, r.known = seq, true
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

// once sends a command, and notes whether load may be on by it. A refusal is certain only if it answers the first try: an earlier one
// may have got through.
func (r *Runner) once(ctx context.Context, s remote.Submission, key string) (remote.Answer[remote.Entry], error) {
	tries, before := r.Client.Retries(), r.sent.Load()
	r.sent.Store(before || isLevel(s.Command))
	a, err := r.Client.Issue(ctx, s, key)
	if p := remote.RefusalOf(err); p != nil && p.Status/100 == 4 && r.Client.Retries() == tries {
		r.sent.Store(before)
	}
	return a, err
}

const outcomeSlack = 5 * time.Second // past the deadline, for the outcome to be durable and told

// outcome waits for the outcome of an entry. Drivers that the server lost by its own restart are given time to come back: they are
// told the command when they register, and their late acks are as good.
func (r *Runner) outcome(ctx context.Context, e remote.Entry) (remote.Answer[remote.Entry], error) {
	a, err := r.Client.Outcome(ctx, e.Seq, time.Duration(e.DeadlineMs)*time.Millisecond+outcomeSlack)
	if err != nil {
		return a, remote.StillOpen(e.Seq, err)
	}
	if !remote.Closed(a.Value) {
		return a, verdict.Error(a.Value, r.Plan.Allow)
	}
	restarted := slices.ContainsFunc(a.Value.Missing, func(m api.Missing) bool { return m.Reason == api.MissingReasonServerRestart })
	for end := time.Now().Add(afterAway); restarted && time.Now().Before(end); {
		_, n := r.outstanding(a.Value)
		if n == 0 {
			break
		}
		r.Line.Draw(fmt.Sprintf("the server was restarted; waiting for %d drivers to apply entry %d", n, e.Seq))
		if err := r.pause(ctx, rollPace); err != nil {
			return a, err
		}
		if a, err = r.Client.Outcome(ctx, e.Seq, 0); err != nil {
			return a, err
		}
	}
	return a, nil
}
