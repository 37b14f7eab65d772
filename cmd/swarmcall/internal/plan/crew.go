package plan

import (
	"context"
	"maps"
	"slices"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// The crew of a run are the drivers that its steps have reached and that have not left. One that deregisters has left
// in order: it runs no load, and the server tells it from one that is lost.

// join notes that an entry has reached drivers.
func (r *Runner) join(seq int64, ids map[string]bool) {
	maps.Copy(r.crew, ids)
	for id := range ids {
		r.reached[id] = seq
		delete(r.silent, id)
	}
}

// release drops the drivers that have deregistered from the crew, of those that the server does not have in its roster,
// and returns the others. An older server cannot say which have.
func (r *Runner) release(ctx context.Context, absent []string) (lost []string) {
	left := r.deregistered(ctx, absent)
	var gone []string
	for _, id := range absent {
		if !left[id] {
			lost = append(lost, id)
			continue
		}
		gone = append(gone, id)
		delete(r.crew, id)
		delete(r.silent, id)
	}
	if len(gone) > 0 {
		r.Line.Say("the run goes on without %s: deregistered", some(gone))
	}
	return lost
}

// releaseUnknown drops those of the crew that have deregistered, in a hold: the server forgets in time who has.
func (r *Runner) releaseUnknown(ctx context.Context, states map[string]api.DriverState) {
	var unknown []string
	for _, id := range slices.Sorted(maps.Keys(r.crew)) {
		if _, known := states[id]; !known && r.silent[id].IsZero() {
			unknown = append(unknown, id)
		}
	}
	r.release(ctx, unknown)
}

// deregistered asks the server which drivers have deregistered, by the entries that have reached them.
func (r *Runner) deregistered(ctx context.Context, ids []string) map[string]bool {
	left, asked := map[string]bool{}, map[int64]bool{}
	for _, id := range ids {
		seq := r.reached[id]
		if seq == 0 || asked[seq] {
			continue
		}
		asked[seq] = true
		a, err := r.Client.Outcome(ctx, seq, 0)
		if err != nil {
			continue // the next question finds out
		}
		for _, id := range remote.Deregistered(a.Value) {
			left[id] = true
		}
	}
	return left
}

// absent are the drivers of the crew that are not active, and those of them that the server does not know at all.
func (r *Runner) absent(states map[string]api.DriverState) (inactive, unknown []string) {
	for _, id := range slices.Sorted(maps.Keys(r.crew)) {
		state, known := states[id]
		switch {
		case !known:
			unknown = append(unknown, id)
		case state != api.DriverStateActive:
			inactive = append(inactive, id)
		}
	}
	return inactive, unknown
}

// roster is the state of every driver that the server knows and that the plan is for.
func (r *Runner) roster(ctx context.Context) (map[string]api.DriverState, error) {
	f := remote.DriverFilter{}
	if t := r.Plan.Target; t != nil {
		for _, key := range slices.Sorted(maps.Keys(t.Labels)) {
			f.Labels = append(f.Labels, key+"="+t.Labels[key])
		}
	}
	page, err := r.Client.Drivers(ctx, f)
	states := map[string]api.DriverState{}
	for _, d := range page.Items {
		if r.Plan.Target == nil || len(r.Plan.Target.DriverIDs) == 0 || slices.Contains(r.Plan.Target.DriverIDs, d.DriverId) {
			states[d.DriverId] = d.State
		}
	}
	return states, err
}

// active are the drivers that a command would reach now.
func (r *Runner) active(ctx context.Context) (map[string]bool, error) {
	states, err := r.roster(ctx)
	active := map[string]bool{}
	for id, state := range states {
		if state == api.DriverStateActive {
			active[id] = true
		}
	}
	return active, err
}
