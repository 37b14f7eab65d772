package plan

import (
	"context"
	"maps"
	"slices"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
	"github.com/swarmcall/swarmcall/command"
)

const (
	stopChunk  = 500 // drivers per stop by ids
	yieldTries = 5   // while others keep commanding drivers of the run
)

// yield ends a run whose drivers another submitter now commands. That command stays in force; the other drivers are
// stopped.
func (r *Runner) yield(ctx context.Context, cause error) error {
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit)
	defer cancel()
	y := &yielding{condition: r.claim.newest, stopped: map[string]bool{}}
	away := r.away()
	switch err := r.stopOurs(limited, y); {
	case err != nil:
		return stillOurs(cause, err)
	case len(y.ours) > 0:
		return stillOurs(cause, r.Plan.ours(y.ours))
	case len(y.stops) == 0:
		r.Line.Say("nothing is stopped: a command by another submitter holds for every driver of this run")
		r.sent.Store(false)
		return cause
	}
	return r.verifyOurs(limited, y, away, cause)
}

// stopOurs sends the stops. A refusal because of a newer command means that another submitter has meanwhile commanded
// some of the drivers.
func (r *Runner) stopOurs(ctx context.Context, y *yielding) error {
	for try := 0; ; try++ {
		page, err := r.Server.Drift(ctx)
		y.sort(page.Items, &r.claim, &r.drivers)
		if err != nil || len(y.ours) == 0 || try == yieldTries {
			return err
		}
		for ids := range slices.Chunk(y.ours, stopChunk) {
			if err := r.stopSome(ctx, y, ids); err != nil {
				return err
			}
		}
	}
}

// stopSome sends a stop to some drivers, on the condition that no other submitter commands them. If one does, nothing
// is sent.
func (r *Runner) stopSome(ctx context.Context, y *yielding, ids []string) error {
	step, err := r.post(ctx, "stop of the others", remote.Command{Type: command.Stop},
		func(c remote.Command, key string) (remote.Answer[remote.Entry], error) {
			return r.Server.Issue(ctx, r.submission(c, &remote.Target{DriverIDs: ids}, 0, &y.condition), key)
		})
	seq, newer := remote.Newer(err)
	switch {
	case newer && seq != y.condition:
		r.steps = r.steps[:len(r.steps)-1]
		if what, unsure := r.describeIssuer(ctx, seq); what == "" && !unsure {
			y.condition = seq // the server has split one of our totals again
		}
		return nil
	case remote.IsRefused(err, api.NoActiveDrivers): // they have deregistered
		r.steps = r.steps[:len(r.steps)-1]
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

// verifyOurs reports which drivers were stopped and which stay under the other command, and checks whether the stops
// have reached their drivers.
func (r *Runner) verifyOurs(ctx context.Context, y *yielding, away bool, cause error) error {
	left, err := r.reach(ctx, &stopping{stops: y.stops, loaded: y.stopped, away: away}, false)
	if err == nil && left.n > 0 {
		err = left.err()
	}
	if err == nil {
		r.sent.Store(false)
		ids := slices.Sorted(maps.Keys(y.stopped))
		r.Line.Say("stopped the load of this run on %s: %s", verdict.Drivers(len(ids)), verdict.Some(ids))
	}
	if len(y.others) > 0 {
		r.Line.Say("left under the other command: %s", verdict.Some(y.others))
	}
	if err == nil {
		return cause
	}
	r.steps[len(r.steps)-1].Err = err
	return stillOurs(cause, err)
}
