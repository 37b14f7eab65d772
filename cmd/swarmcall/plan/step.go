package plan

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/verdict"
)

func setPlayers(each, total *int64) remote.Command {
	return remote.Command{Type: api.CommandTypeSetPlayers, Players: each, PlayersTotal: total}
}

func setDelay(d time.Duration) remote.Command {
	ms := d.Milliseconds()
	return remote.Command{Type: api.CommandTypeSetSpawnDelayMs, SpawnDelayMS: &ms}
}

// command is one step: sent when its drivers are there, once, and dealt with when some of them do not ack.
func (r *Runner) command(ctx context.Context, name string, c remote.Command, onMissing string) error {
	if err := r.rollCall(ctx); err != nil {
		return err
	}
	i := len(r.steps)
	step, err := r.send(ctx, name, c, r.Plan.target(), r.Plan.MinDrivers)
	if err != nil {
		return err
	}
	err = r.judge(ctx, name, step)
	if clierr.CodeOf(err) == clierr.Missing && onMissing == Retry {
		err = r.again(ctx, name, c, *step, err)
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
	r.Line.Say("%s: going on without %s", name, some(append(stillMissing(r.steps[i].Entry.Value), r.steps[i].Lost...)))
	for _, id := range r.steps[i].Lost {
		delete(r.crew, id)
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
	step := report.Step{Name: name + ": " + c.String(), Key: fmt.Sprintf("%s/%d", r.ID, len(r.steps)+1), Allow: r.Plan.Allow}
	c.Note = r.note(len(r.steps) + 1)
	step.Entry, step.Err = r.issue(ctx, c, target, least, step.Key)
	if step.Err == nil {
		e := step.Entry.Value
		if c.Type != api.CommandTypeSetSpawnDelayMs {
			r.newest, r.known = e.Seq, true
		}
		var a remote.Answer[remote.Entry]
		a, step.Err = r.outcome(ctx, e)
		if step.Err == nil {
			step.Entry = a
			r.Line.Say("%s: %s", name, verdict.Sentence(a.Value))
		}
	}
	r.retries = r.Client.Retries()
	r.steps = append(r.steps, step)
	return &r.steps[len(r.steps)-1], step.Err
}

// note marks the commands of this run, so that it knows its own.
func (r *Runner) note(n int) string {
	const most = 120
	name := strings.ToValidUTF8(r.Plan.Name[:min(len(r.Plan.Name), most)], "") // it may be cut in a character
	return fmt.Sprintf("%s step %d of plan %s", r.ID, n, name)
}

// issue sends a command on the condition that ours is the newest. The first step does not know what is: it is refused for what was
// there before, which the server names, and then sent on the condition that this is still so. A stop is for whoever is there.
func (r *Runner) issue(ctx context.Context, c remote.Command, target *remote.Target, least int, key string) (remote.Answer[remote.Entry], error) {
	s := remote.Submission{
		Submitter: r.Submitter, Command: c, Target: target, DeadlineMS: r.Plan.Deadline.Milliseconds(), MinDrivers: least, IfSeq: &r.newest,
	}
	patience := r.Plan.Rejoin
	if c.Type == api.CommandTypeStop {
		patience = 0
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
	r.sent.Store(before || s.Command.Type == api.CommandTypeSetPlayers)
	a, err := r.Client.Issue(ctx, s, key)
	if p := remote.RefusalOf(err); p != nil && p.Status/100 == 4 && r.Client.Retries() == tries {
		r.sent.Store(before)
	}
	return a, err
}

// askLimit is how long a run tries to find out whose command is newer.
const askLimit = 5 * time.Second

// takenBy returns nil when the newest command is no one else's: it was there before the run, or is a step of ours whose answer was
// lost, or a reset, which is no entry. When that cannot be found out it is somebody else's: it may be a stop.
func (r *Runner) takenBy(ctx context.Context, seq int64, refusal error) error {
	if !r.known && seq <= r.start {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit) // an interruption must not make it somebody else's
	defer cancel()
	what := "somebody else commands these drivers now"
	newer, err := r.Client.Outcome(ctx, seq, 0)
	if err == nil {
		e := newer.Value
		if e.Submitter == r.Submitter && strings.HasPrefix(remote.CommandOf(e).Note, r.ID+" ") {
			return nil
		}
		what = fmt.Sprintf("%s commands these drivers now: %s (entry %d)", e.Submitter, remote.CommandOf(e), e.Seq)
	} else if p := remote.RefusalOf(err); p != nil && p.Code == api.NotFound {
		return nil
	}
	return &clierr.Error{Code: clierr.Superseded, What: what, Why: refusal, Mend: "the run ends here and does not undo it; see swarmcall commands list"}
}

// outcome waits for the outcome of an entry. Drivers that the server lost by its own restart are given time to come back: they are
// told the command when they register, and their late acks are as good.
func (r *Runner) outcome(ctx context.Context, e remote.Entry) (remote.Answer[remote.Entry], error) {
	const slack = 5 * time.Second
	a, err := r.Client.Outcome(ctx, e.Seq, time.Duration(e.DeadlineMs)*time.Millisecond+slack)
	if err != nil {
		return a, err
	}
	if !remote.Closed(a.Value) {
		return a, verdict.Error(a.Value, r.Plan.Allow)
	}
	restarted := slices.ContainsFunc(a.Value.Missing, func(m api.Missing) bool { return m.Reason == api.MissingReasonServerRestart })
	for end := time.Now().Add(afterAway); restarted && len(stillMissing(a.Value)) > 0 && time.Now().Before(end); {
		r.Line.Draw(fmt.Sprintf("the server was restarted; waiting for %d drivers to take entry %d up", len(stillMissing(a.Value)), e.Seq))
		if !remote.Sleep(ctx, rollPace) {
			return a, ctx.Err()
		}
		if a, err = r.Client.Outcome(ctx, e.Seq, 0); err != nil {
			return a, err
		}
	}
	return a, nil
}

// stillMissing are the missing drivers of an entry that have not applied it late either.
func stillMissing(e remote.Entry) []string {
	late := map[string]bool{}
	for _, l := range e.Late {
		late[l.DriverId] = l.Status == api.LateStatusApplied
	}
	var ids []string
	for _, m := range e.Missing {
		if !late[m.DriverId] {
			ids = append(ids, m.DriverId)
		}
	}
	return ids
}

// reached are the drivers an entry was for.
func reached(e remote.Entry) map[string]bool {
	ids := map[string]bool{}
	if e.Acked != nil {
		for _, x := range *e.Acked {
			ids[x.DriverId] = true
		}
	}
	for _, x := range e.Rejected {
		ids[x.DriverId] = true
	}
	for _, x := range e.Missing {
		ids[x.DriverId] = true
	}
	for _, x := range e.Superseded {
		ids[x.DriverId] = true
	}
	return ids
}

// judge says what an outcome means for the run. Drivers that the last step reached and this one did not are as missing as those that
// did not ack: the server counts only who was there.
func (r *Runner) judge(ctx context.Context, name string, step *report.Step) error {
	e := step.Entry.Value
	ids := reached(e)
	for _, id := range slices.Sorted(maps.Keys(r.crew)) {
		if !ids[id] {
			step.Lost = append(step.Lost, id)
		}
	}
	maps.Copy(r.crew, ids)
	if remote.CommandOf(e).Type == api.CommandTypeSetPlayers {
		r.load = step.Entry
	}
	switch missing := stillMissing(e); {
	case ctx.Err() != nil:
		step.Err = ctx.Err()
	case e.Counts.Rejected > 0:
		step.Err = verdict.Error(e, r.Plan.Allow)
	case !r.Plan.Allow.Covers(len(missing)+len(step.Lost), len(r.crew)):
		seen := verdict.Blame(e, 10)
		for _, id := range step.Lost {
			seen = append(seen, id+" lost: not connected when the step was sent")
		}
		step.Err = &clierr.Error{
			Code: clierr.Missing, What: fmt.Sprintf("%s: %d of %d drivers are missing", name, len(missing)+len(step.Lost), len(r.crew)),
			Why: errors.New(verdict.Sentence(e)), Seen: seen[:min(len(seen), 10)],
			Mend: "are these drivers alive? swarmcall drivers list; what a plan may do about it: swarmcall help plans",
		}
	case e.Counts.Superseded > 0:
		step.Err = &clierr.Error{
			Code: clierr.Superseded, What: name + ": a newer command came before this one was sent", Why: errors.New(verdict.Sentence(e)),
			Mend: "see swarmcall commands list",
		}
		r.taken = step.Err
	}
	return step.Err
}
