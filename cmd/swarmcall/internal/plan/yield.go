package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/submit"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

const (
	stopChunk  = 500 // drivers of one stop by their ids
	yieldTries = 5   // while others go on to command drivers of the run
)

// yield ends a run of which somebody else commands drivers now. Their command is not undone; the other drivers are
// stopped.
func (r *Runner) yield(ctx context.Context, cause error) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	y := yielding{Runner: r, condition: r.newest, stopped: map[string]bool{}, away: r.Client.Retries() != r.retries}
	err := y.run(limited)
	switch {
	case err != nil:
		return y.loudly(cause, err)
	case len(y.ours) > 0:
		return y.loudly(cause, &clierr.Error{
			What: fmt.Sprintf("%s on %s that the other command does not concern: %s",
				loud, verdict.Drivers(len(y.ours)), some(y.ours)),
			Hint: r.howToStop(y.ours),
		})
	case len(y.stops) == 0:
		r.Line.Say("nothing is stopped: somebody else's command holds for every driver of this run")
		r.sent.Store(false)
		return cause
	}
	return y.verify(limited, cause)
}

// loudly is the error when load of the run may still be on: that is what the exit code must tell.
func (y *yielding) loudly(cause, err error) error {
	e := &clierr.Error{
		Code: clierr.Missing, What: loud + " on drivers that the other command does not concern", Cause: err,
		Detail: []string{fmt.Sprintf("the run ended because: %v", cause)},
		Hint:   "which drivers: swarmcall state; stop them: swarmcall stop --driver ID",
	}
	if inner, ok := errors.AsType[*clierr.Error](err); ok && strings.HasPrefix(inner.What, loud) {
		e.What, e.Cause, e.Detail = inner.What, inner.Cause, append(e.Detail, inner.Detail...)
		e.Hint = cmp.Or(inner.Hint, e.Hint)
	}
	return e
}

// yielding stops the drivers that still have the load of the run.
type yielding struct {
	*Runner
	condition int64           // of each stop: that nothing newer concerns its drivers
	ours      []string        // drivers that have load of this run and are not sent a stop
	others    []string        // drivers of this run that somebody else commands
	stopped   map[string]bool // drivers that were sent a stop
	stops     []remote.Entry
	away      bool
}

// run sends the stops. A refusal for a newer command means that somebody else has taken some of the drivers meanwhile.
func (y *yielding) run(ctx context.Context) error {
	for range yieldTries {
		if err := y.sort(ctx); err != nil {
			return err
		}
		if len(y.ours) == 0 {
			return nil
		}
		for ids := range slices.Chunk(slices.Clone(y.ours), stopChunk) {
			if err := y.stop(ctx, ids); err != nil {
				return err
			}
		}
	}
	return y.sort(ctx)
}

// sort asks the server for which drivers commands of this run hold, and for which somebody else's do.
func (y *yielding) sort(ctx context.Context) error {
	page, err := y.Client.Drift(ctx)
	y.ours, y.others = nil, nil
	for _, d := range page.Items {
		load, mine := y.own[submit.DesiredLoad(d)]
		switch {
		case y.stopped[d.DriverId]:
		case load:
			y.ours = append(y.ours, d.DriverId)
		case y.crew[d.DriverId] && !mine:
			y.others = append(y.others, d.DriverId)
		}
	}
	return err
}

// stop sends a stop to some drivers, on the condition that nobody else commands them. When somebody does, nothing is
// sent.
func (y *yielding) stop(ctx context.Context, ids []string) error {
	send := func(c remote.Command, key string) (remote.Answer[remote.Entry], error) {
		return y.Client.Issue(ctx, remote.Submission{
			Submitter: y.Submitter, Command: c, Target: &remote.Target{DriverIDs: ids},
			DeadlineMS: y.Plan.Deadline.Milliseconds(), IfSeq: &y.condition,
		}, key)
	}
	step, err := y.post(ctx, "stop of the others", remote.Command{Type: command.Stop}, send)
	seq, newer := remote.Newer(err)
	switch {
	case newer && seq != y.condition:
		y.steps = y.steps[:len(y.steps)-1]
		if what, unsure := y.whose(ctx, seq); what == "" && !unsure {
			y.condition = seq // the server has split a total of ours again
		}
		return nil
	case remote.IsRefused(err, api.NoActiveDrivers): // they have left
		y.steps = y.steps[:len(y.steps)-1]
	case err != nil:
		return err
	default:
		y.stops = append(y.stops, step.Entry.Value)
	}
	for _, id := range ids {
		y.stopped[id] = true
	}
	return nil
}

// verify says what was stopped and what was left alone, and finds out whether the stops have reached their drivers.
func (y *yielding) verify(ctx context.Context, cause error) error {
	f := follower{Runner: y.Runner, stops: y.stops, loaded: maps.Clone(y.stopped), away: y.away}
	left, err := f.wait(ctx, false)
	if err == nil && left.n > 0 {
		err = left.err()
	}
	if err == nil {
		y.sent.Store(false)
		ids := slices.Sorted(maps.Keys(y.stopped))
		y.Line.Say("stopped the load of this run on %s: %s", verdict.Drivers(len(ids)), some(ids))
	}
	if len(y.others) > 0 {
		y.Line.Say("left to the other command: %s", some(y.others))
	}
	if err == nil {
		return cause
	}
	y.steps[len(y.steps)-1].Err = err
	return y.loudly(cause, err)
}

// howToStop is the command line that stops the drivers: by name while they are few.
func (r *Runner) howToStop(ids []string) string {
	const few = 10
	if len(ids) <= few {
		return "swarmcall stop --driver " + strings.Join(ids, " --driver ")
	}
	if t := r.Plan.Target; t != nil && len(t.Labels) > 0 {
		return remote.StopLine(r.Plan.Aim()) + " (the drivers of the other command with the same label too)"
	}
	return "swarmcall stop --driver ID, for each that swarmcall state shows; or swarmcall stop, " +
		"for the drivers of the other command too"
}
