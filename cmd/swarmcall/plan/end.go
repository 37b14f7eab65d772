package plan

import (
	"context"
	"errors"
	"fmt"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/submit"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/verdict"
)

// endLimit bounds the stop at the end: whoever pressed Ctrl-C waits for it.
const endLimit = 30 * time.Second

// end stops the load, however the run ended, and says so. Only what somebody else has commanded since is left alone.
func (r *Runner) end(ctx context.Context, cause error) error {
	switch {
	case r.taken != nil:
		r.Line.Say("nothing is stopped: the last word is somebody else's")
		return cause
	case !r.sent:
		r.Line.Say("no load was commanded, so there is nothing to stop")
		return cause
	}
	if cause != nil {
		r.Line.Say("stopping the load: %v", cause)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	step, err := r.send(ctx, "stop", remote.Command{Type: api.CommandTypeStop}, r.Plan.target())
	if err == nil {
		e := step.Entry.Value
		if err = verdict.Error(e, r.Plan.Allow); clierr.CodeOf(err) == clierr.Missing && len(stillMissing(e)) == 0 {
			err = nil // they have stopped when they were back
		}
		if step.Err = err; err == nil {
			passed(step)
		}
	}
	switch {
	case err == nil:
		return stopped(cause, verdict.Sentence(step.Entry.Value))
	case r.taken != nil && cause == nil:
		return r.taken
	case r.taken != nil:
		r.Line.Say("nothing is stopped: %v", r.taken)
		return cause
	}
	return notStopped(cause, err)
}

// stopped adds to an interruption that the load is off: nobody should have to look.
func stopped(cause error, sentence string) error {
	e, ok := errors.AsType[*clierr.Error](cause)
	if !ok || e.Code != clierr.Interrupted {
		return cause
	}
	return &clierr.Error{Code: clierr.Interrupted, What: "interrupted; the load is stopped", Why: errors.New(sentence)}
}

// notStopped says it loudly. The exit code stays that of the first failure.
func notStopped(cause, err error) error {
	e := &clierr.Error{
		Code: clierr.CodeOf(err), What: "THE LOAD MAY STILL BE ON: the stop was not acked by all", Why: err,
		Mend: "stop it: swarmcall stop --yes\ndrivers that are away stop when they are back, or when their lease ends",
	}
	if inner, ok := errors.AsType[*clierr.Error](err); ok {
		e.Seen = inner.Seen
	}
	if cause != nil {
		e.Code = clierr.CodeOf(cause)
		e.Seen = append([]string{fmt.Sprintf("the run ended because: %v", cause)}, e.Seen...)
	}
	return e
}

// measure shows what the drivers report, at most for limit: a server that is away must not hold up the plan.
func (r *Runner) measure(ctx context.Context, name string, limit time.Duration, tell bool) {
	if r.load.Value.Seq == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p, err := submit.Measure(ctx, r.Client, r.load)
	if err != nil {
		return
	}
	r.Line.Draw(r.Line.Players(name, p.Actual, p.Target))
	if tell && !r.Line.Animated() {
		r.Line.Say("%s: %d of %d players run, on %d drivers", name, p.Actual, p.Target, p.Drivers)
	}
}
