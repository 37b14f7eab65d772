package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

// endLimit bounds the stop at the end: anyone who pressed Ctrl-C waits for it.
const endLimit = 30 * time.Second

// end stops the load, however the run ended, and says so. Only what somebody else has commanded since is left alone.
func (r *Runner) end(ctx context.Context, cause error) error {
	switch {
	case !r.sent.Load():
		r.Line.Say("no load was commanded, so there is nothing to stop")
		return cause
	case r.taken != nil:
		return r.yield(ctx, cause)
	}
	if cause != nil && clierr.CodeOf(cause) != clierr.Interrupted {
		r.Line.Say("stopping the load: %v", cause)
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	away := r.Client.Retries() != r.retries
	step, err := r.send(limited, "stop", remote.Command{Type: command.Stop}, r.Plan.Aim(), 0)
	switch {
	case r.taken != nil && cause == nil:
		return r.yield(ctx, r.taken)
	case r.taken != nil:
		return r.yield(ctx, cause)
	case remote.IsRefused(err, api.NoActiveDrivers): // so no load is desired of a driver that may return
		return r.nobodyThere(cause, step, err)
	case err != nil:
		return r.notStopped(cause, err)
	}
	return r.verify(ctx, cause, step, away || r.Client.Retries() != r.retries)
}

// nobodyThere is of a stop that matches no driver: they have left, unless the server says that no driver was like that.
func (r *Runner) nobodyThere(cause error, step *report.Step, err error) error {
	r.sent.Store(false)
	if p := remote.RefusalOf(err); p.NothingToStop != nil && !*p.NothingToStop {
		if cause == nil {
			return err
		}
		r.Line.Say("the stop: %v", err)
		return cause
	}
	step.Err, step.Said = nil, "nothing to stop: no driver is there and no load is desired"
	r.Line.Say("no driver is there and no load is desired, so there is nothing to stop")
	return cause
}

// verify finds out whether the stop has reached every driver that may run load of this run. One that is away may come back.
func (r *Runner) verify(ctx context.Context, cause error, step *report.Step, away bool) error {
	stop := step.Entry.Value
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	f := follower{Runner: r, stops: []remote.Entry{stop}, away: away, loaded: r.loaded(asking)}
	err := verdict.Error(stop, r.Plan.Allow)
	if clierr.CodeOf(err) == clierr.TooFew && len(f.loaded) > 0 {
		err = nil // the target has matched drivers of this run, so it is not misspelt: they have left
	}
	if code := clierr.CodeOf(err); code != clierr.OK && code != clierr.Missing {
		step.Err = err
		return r.notStopped(cause, err)
	}
	left, rerr := f.wait(ctx, cause == nil)
	switch {
	case rerr != nil && err == nil:
		err = rerr
	case rerr == nil && left.n == 0:
		r.sent.Store(false)
		passed(step)
		return stopped(cause, verdict.Sentence(stop))
	case rerr == nil:
		err = left.err()
		if r.Plan.Allow.Covers(left.n, f.meant()) {
			passed(step)
			r.Line.Say("%v; so many may be missing", err)
			return cause
		}
	}
	step.Err = err
	return r.notStopped(cause, err)
}

// stopped adds to an interruption that the load is off: nobody should have to look.
func stopped(cause error, sentence string) error {
	e, ok := errors.AsType[*clierr.Error](cause)
	if !ok || e.Code != clierr.Interrupted {
		return cause
	}
	return &clierr.Error{Code: clierr.Interrupted, What: "interrupted; the load is stopped", Cause: errors.New(sentence)}
}

const loud = "THE LOAD MAY STILL BE ON"

// notStopped says it loudly. The exit code stays that of the first failure.
func (r *Runner) notStopped(cause, err error) error {
	e := &clierr.Error{
		Code: clierr.CodeOf(err), What: loud + ": the stop was not acked by all", Cause: err,
		Hint: "who is there: swarmcall drivers list; stop it: " + remote.StopLine(r.Plan.Aim(), "--yes") +
			"\ndrivers that are away stop when they are back, or when their lease ends",
	}
	if inner, ok := errors.AsType[*clierr.Error](err); ok {
		e.Detail = inner.Detail
		if strings.HasPrefix(inner.What, loud) {
			e.What, e.Cause = inner.What, inner.Cause
		}
	}
	if cause != nil {
		e.Code = clierr.CodeOf(cause)
		e.Detail = append([]string{fmt.Sprintf("the run ended because: %v", cause)}, e.Detail...)
	}
	return e
}
