package plan

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/submit"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/verdict"
)

// endLimit bounds the stop at the end: whoever pressed Ctrl-C waits for it.
const endLimit = 30 * time.Second

// end stops the load, however the run ended, and says so. Only what somebody else has commanded since is left alone.
func (r *Runner) end(ctx context.Context, cause error) error {
	switch {
	case r.taken != nil:
		return r.yield(ctx, cause)
	case !r.sent.Load():
		r.Line.Say("no load was commanded, so there is nothing to stop")
		return cause
	}
	if cause != nil && clierr.CodeOf(cause) != clierr.Interrupted {
		r.Line.Say("stopping the load: %v", cause)
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	away := r.Client.Retries() != r.retries
	step, err := r.send(limited, "stop", remote.Command{Type: api.CommandTypeStop}, r.Plan.target(), 0)
	switch p := remote.RefusalOf(err); {
	case r.taken != nil && cause == nil:
		return r.yield(ctx, r.taken)
	case r.taken != nil:
		return r.yield(ctx, cause)
	case p != nil && p.Code == api.NoActiveDrivers: // a stop is refused so only if nobody is there to run load, nor may come back
		r.sent.Store(false)
		r.Line.Say("no driver is there and no load is desired, so there is nothing to stop")
		return cause
	case err != nil:
		return notStopped(cause, err)
	}
	return r.verify(ctx, cause, step, away || r.Client.Retries() != r.retries)
}

// verify finds out whether the stop has reached every driver that may run load of this run. One that is away may come back.
func (r *Runner) verify(ctx context.Context, cause error, step *report.Step, away bool) error {
	stop := step.Entry.Value
	err := verdict.Error(stop, r.Plan.Allow)
	if code := clierr.CodeOf(err); code != clierr.OK && code != clierr.Missing {
		step.Err = err
		return notStopped(cause, err)
	}
	f := follower{Runner: r, stop: stop, away: away}
	left, rerr := f.wait(ctx, cause == nil)
	switch {
	case rerr != nil && err == nil:
		err = rerr
	case rerr == nil && len(left) == 0:
		r.sent.Store(false)
		passed(step)
		return stopped(cause, verdict.Sentence(stop))
	case rerr == nil:
		err = notReached(left)
		if r.Plan.Allow.Covers(len(left), len(f.loaded)) {
			passed(step)
			r.Line.Say("%v; so many may be missing", err)
			return cause
		}
	}
	step.Err = err
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

const loud = "THE LOAD MAY STILL BE ON"

// notReached names the drivers that have not taken the stop up.
func notReached(left []api.DriverDrift) error {
	names := make([]string, len(left))
	for i, d := range left {
		names[i] = describe(d)
	}
	end := "was not reached; it is stopped when it is back"
	if len(left) > 1 {
		end = "were not reached; they are stopped when they are back"
	}
	return &clierr.Error{Code: clierr.Missing, What: fmt.Sprintf("%s: %s %s", loud, some(names), end), Seen: names[:min(len(names), 10)]}
}

func describe(d api.DriverDrift) string {
	if d.State == "" {
		return d.DriverId + " (not back since the server was away)"
	}
	return fmt.Sprintf("%s (%s, last seen with %d players)", d.DriverId, d.State, d.Reported.Players)
}

// notStopped says it loudly. The exit code stays that of the first failure.
func notStopped(cause, err error) error {
	e := &clierr.Error{
		Code: clierr.CodeOf(err), What: loud + ": the stop was not acked by all", Why: err,
		Mend: "who is there: swarmcall drivers list; stop it: swarmcall stop --yes\ndrivers that are away stop when they are back, or when their lease ends",
	}
	if inner, ok := errors.AsType[*clierr.Error](err); ok {
		e.Seen = inner.Seen
		if strings.HasPrefix(inner.What, loud) {
			e.What, e.Why = inner.What, inner.Why
		}
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
