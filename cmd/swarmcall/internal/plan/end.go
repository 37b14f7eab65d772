package plan

import (
	"context"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

// endLimit bounds the stop at the end: a user who pressed Ctrl-C waits for it.
const endLimit = 30 * time.Second

// end stops the load, however the run ended, and reports it. Only newer commands by other submitters stay in force.
func (r *Runner) end(ctx context.Context, cause error) error {
	switch {
	case !r.sent.Load():
		r.Line.Say("no load was set, so there is nothing to stop")
		return cause
	case r.taken != nil:
		return r.yield(ctx, cause)
	}
	if cause != nil && clierr.CodeOf(cause) != clierr.Interrupted {
		r.Line.Say("stopping the load: %v", cause)
	}
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	away := r.away()
	step, err := r.send(limited, "stop", remote.Command{Type: command.Stop}, r.Plan.Aim(), 0)
	switch {
	case r.taken != nil && cause == nil:
		return r.yield(ctx, r.taken)
	case r.taken != nil:
		return r.yield(ctx, cause)
	case remote.IsRefused(err, api.NoActiveDrivers): // so no load is desired of a driver that may reconnect
		return r.noDriverMatches(cause, step, err)
	case err != nil:
		return r.Plan.notStopped(cause, err)
	}
	return r.verify(ctx, cause, step, away || r.away())
}

// noDriverMatches handles a stop that matches no driver: they have deregistered, unless the server reports that none
// ever matched.
func (r *Runner) noDriverMatches(cause error, step *report.Step, err error) error {
	r.sent.Store(false)
	if p := remote.RefusalOf(err); p.NothingToStop != nil && !*p.NothingToStop {
		if cause == nil {
			return err
		}
		r.Line.Say("the stop: %v", err)
		return cause
	}
	step.Err, step.Said = nil, "nothing to stop: there is no driver, and no load is desired"
	r.Line.Say("there is no driver and no load is desired, so there is nothing to stop")
	return cause
}

// verify checks whether the stop has reached every driver that may run load of this run. A disconnected driver may
// reconnect.
func (r *Runner) verify(ctx context.Context, cause error, step *report.Step, away bool) error {
	stop := step.Entry.Value
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	s := &stopping{stops: []remote.Entry{stop}, away: away, loaded: loaded(r.loads(asking))}
	err := verdict.Error(stop, r.Plan.Allow)
	if clierr.CodeOf(err) == clierr.TooFew && len(s.loaded) > 0 {
		err = nil // the target has matched drivers of this run, so it is not misspelt: they have deregistered
	}
	if code := clierr.CodeOf(err); code != clierr.OK && code != clierr.Missing {
		step.Err = err
		return r.Plan.notStopped(cause, err)
	}
	left, rerr := r.reach(ctx, s, cause == nil)
	switch {
	case rerr != nil && err == nil:
		err = rerr
	case rerr == nil && left.n == 0:
		r.sent.Store(false)
		passed(step)
		return stopped(cause, verdict.Sentence(stop))
	case rerr == nil:
		err = left.err()
		if r.Plan.Allow.Covers(left.n, s.meant()) {
			passed(step)
			r.Line.Say("%v; this many may be missing", err)
			return cause
		}
	}
	step.Err = err
	return r.Plan.notStopped(cause, err)
}

// loads returns the load commands of this run. A command that was open when the run ended may have an outcome by now.
func (r *Runner) loads(ctx context.Context) (entries []remote.Entry) {
	for _, s := range r.steps {
		e := s.Entry.Value
		if !isLoad(e) {
			continue
		}
		if !remote.Closed(e) {
			if a, err := r.Server.Outcome(ctx, e.Seq, 0); err == nil {
				e = a.Value
			}
		}
		entries = append(entries, e)
	}
	return entries
}

// reach waits for drivers that a stop has not reached to reconnect, if that is allowed and until ctx ends. It returns
// the drivers that are not stopped.
func (r *Runner) reach(ctx context.Context, s *stopping, may bool) (unreached, error) {
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit+afterAway)
	defer cancel()
	limit, told := r.Plan.Rejoin, false
	if s.away {
		limit = max(limit, afterAway)
	}
	for end := time.Now().Add(limit); ; {
		left, err := r.notReached(asking, s)
		if err != nil || left.n == 0 || !may || !time.Now().Before(end) {
			return left, err
		}
		if !told {
			names := verdict.SomeOf(left.ids, left.n)
			r.Line.Say("the stop has not reached %s; waiting for them to reconnect, at most %v", names, limit)
			told = true
		}
		if !remote.Sleep(ctx, rollPace) {
			return left, nil
		}
	}
}

// notReached asks the server which drivers have not applied the stops.
func (r *Runner) notReached(ctx context.Context, s *stopping) (unreached, error) {
	page, err := r.Server.Drift(ctx)
	if err != nil {
		return unreached{}, err
	}
	var seqs []int64
	for _, stop := range s.stops {
		seqs = append(seqs, stop.Seq)
	}
	stops, err := r.entries(ctx, seqs)
	if err != nil {
		return unreached{}, err
	}
	left, unknown := s.look(stops, page.Items, &r.older)
	left.forgotten(unknown, r.deregistered(ctx, unknown))
	return left, nil
}
