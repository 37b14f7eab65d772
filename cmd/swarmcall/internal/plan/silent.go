package plan

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// hear notes of which drivers of the run nothing is known, and since when. One that is not in the roster has
// deregistered, or the server was away since the last step: then it may have forgotten drivers that run on.
func (r *Runner) hear(ctx context.Context, roster []api.DriverDrift, now time.Time) {
	states := map[string]api.DriverState{}
	for _, d := range roster {
		states[d.DriverId] = d.State
	}
	r.releaseUnknown(ctx, states)
	away := r.Client.Retries() != r.retries
	for id := range r.crew {
		_, before := r.silent[id]
		switch state, there := states[id]; {
		case state == api.DriverStateActive:
			delete(r.silent, id)
			delete(r.excused, id)
			delete(r.awaited, id)
		case !before && (there || away):
			r.silent[id] = now
		}
	}
	r.states = states
}

// patience is how long nothing may be known of a driver until it is missing. The server tells a driver that returns
// what it should run, so retry means to wait for it.
func (r *Runner) patience(id, onMissing string) time.Duration {
	limit := r.Plan.Rejoin
	if r.states[id] == "" { // the server was away: the back-off of its drivers goes up to 30 s
		limit = max(limit, afterAway)
	}
	if onMissing == Retry {
		limit += time.Duration(*r.Plan.Retries) * r.Plan.Rejoin
	}
	return limit
}

// missing are the drivers of which nothing was known for too long. At the end of the last hold any time is too long,
// unless they are to be waited for; those that the server has forgotten are looked for after the stop.
func (r *Runner) missing(onMissing string, end bool) (ids []string) {
	for _, id := range slices.Sorted(maps.Keys(r.silent)) {
		if !r.crew[id] {
			continue
		}
		if r.overdue(id, onMissing) || end && onMissing != Retry && r.states[id] != "" {
			ids = append(ids, id)
		}
	}
	return ids
}

func (r *Runner) overdue(id, onMissing string) bool {
	return time.Since(r.silent[id]) > r.patience(id, onMissing)
}

// waits tells that a hold which is over has to go on: under retry, for drivers that may still return.
func (r *Runner) waits(h *hold) bool {
	if h.onMissing != Retry {
		return false
	}
	return slices.ContainsFunc(slices.Collect(maps.Keys(r.silent)), func(id string) bool {
		return r.crew[id] && r.states[id] != "" && !r.excused[id] && !r.overdue(id, Retry)
	})
}

// heard deals with drivers of which nothing is known, as the plan says.
func (r *Runner) heard(h *hold, end bool) error {
	if h.onMissing == Retry {
		r.tellWaiting(h)
	}
	ids := r.missing(h.onMissing, end)
	fresh := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return r.excused[id] })
	if len(fresh) == 0 {
		return nil
	}
	for _, id := range fresh {
		r.excused[id] = true
	}
	if r.Plan.Allow.Covers(len(ids), len(r.crew)) {
		r.Line.Say("%s: nothing is known of %s; so many may be missing", h.name, some(fresh))
		return nil
	}
	err := r.silentError(h, ids)
	if h.onMissing != Continue {
		return err
	}
	r.Line.Say("%s: going on without %s: %v", h.name, some(fresh), err)
	for _, id := range ids {
		delete(r.crew, id)
		delete(r.silent, id)
	}
	r.missed = cmp.Or(r.missed, err)
	r.blame(h, err)
	return nil
}

// tellWaiting says once per driver that it is waited for.
func (r *Runner) tellWaiting(h *hold) {
	var ids []string
	for id := range r.silent {
		if r.crew[id] && !r.awaited[id] && r.overdue(id, Abort) {
			ids = append(ids, id)
			r.awaited[id] = true
		}
	}
	if len(ids) > 0 {
		slices.Sort(ids)
		more := time.Duration(*r.Plan.Retries) * r.Plan.Rejoin
		r.Line.Say("%s: waiting for %s to come back, at most %v more; the server tells them the load then",
			h.name, some(ids), more)
	}
}

func (r *Runner) silentError(h *hold, ids []string) error {
	var seen []string
	for _, id := range ids {
		state := cmp.Or(string(r.states[id]), "not back since the server was away")
		long := time.Since(r.silent[id]).Round(time.Second)
		seen = append(seen, fmt.Sprintf("%s unknown: %s, for %v", id, state, long))
	}
	return &clierr.Error{
		Code: clierr.Missing,
		What: fmt.Sprintf("%s: %d of %d drivers are missing: nothing is known of %s",
			h.name, len(ids), len(r.crew), some(ids)),
		Cause: errors.New(h.seen.String()), Detail: seen[:min(len(seen), 10)],
		Hint: "are these drivers alive? swarmcall drivers list; what a plan may do about it: swarmcall help plans",
	}
}
