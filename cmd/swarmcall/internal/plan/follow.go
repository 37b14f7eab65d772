package plan

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/submit"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

// loaded are the drivers that may run load of this run: those that acked it, and those that were sent it and did not
// answer.
func (r *Runner) loaded(ctx context.Context) map[string]bool {
	ids := map[string]bool{}
	for _, s := range r.steps {
		e := s.Entry.Value
		if !isLoad(e) {
			continue
		}
		if !remote.Closed(e) { // the run ended in the midst of it
			if a, err := r.Client.Outcome(ctx, e.Seq, 0); err == nil {
				e = a.Value
			}
		}
		if e.Acked != nil {
			for _, x := range *e.Acked {
				ids[x.DriverId] = wants(e)
			}
		}
		for _, m := range e.Missing {
			ids[m.DriverId] = true
		}
	}
	maps.DeleteFunc(ids, func(_ string, on bool) bool { return !on })
	return ids
}

// follower looks for drivers that a stop has not reached.
type follower struct {
	*Runner
	stops  []remote.Entry
	away   bool            // the server was: it may have forgotten drivers that run on
	loaded map[string]bool // drivers that may run load of this run
}

// unreached are the drivers that a stop has not reached: the first of them as people read it, and how many there are.
type unreached struct {
	ids, texts []string
	n          int
}

// wait gives drivers that are not heard time to come back, if it may and until ctx ends. It returns those that are not
// stopped.
func (f *follower) wait(ctx context.Context, may bool) (unreached, error) {
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit+afterAway)
	defer cancel()
	limit, told := f.Plan.Rejoin, false
	if f.away {
		limit = max(limit, afterAway)
	}
	for end := time.Now().Add(limit); ; {
		left, err := f.look(asking)
		if err != nil || left.n == 0 || !may || !time.Now().Before(end) {
			return left, err
		}
		if !told {
			names := verdict.SomeOf(left.ids, left.n)
			f.Line.Say("the stop has not reached %s; waiting for them to come back, at most %v", names, limit)
			told = true
		}
		if !remote.Sleep(ctx, rollPace) {
			return left, nil
		}
	}
}

// look asks the server which drivers have not applied the stops. A driver that it does not know any more has
// deregistered, or the server was away and has forgotten it.
func (f *follower) look(ctx context.Context) (left unreached, _ error) {
	page, err := f.Client.Drift(ctx)
	if err != nil {
		return left, err
	}
	known := map[string]api.DriverDrift{}
	for _, d := range page.Items {
		known[d.DriverId] = d
	}
	for _, stop := range f.stops {
		a, err := f.Client.Outcome(ctx, stop.Seq, 0)
		if err != nil {
			return left, err
		}
		ids, n := f.outstanding(a.Value)
		if !f.older.computes {
			ids = notStoppedYet(a.Value, f.loaded, page.Items)
			n = len(ids)
		}
		left.n += n
		for _, id := range ids {
			left.add(id, known)
		}
	}
	var unknown []string
	for _, id := range slices.Sorted(maps.Keys(f.loaded)) {
		if _, there := known[id]; f.away && !there && !slices.Contains(left.ids, id) {
			unknown = append(unknown, id)
		}
	}
	gone := f.deregistered(ctx, unknown)
	for _, id := range unknown {
		if !gone[id] {
			left.n++
			left.add(id, known)
		}
	}
	return left, nil
}

func (u *unreached) add(id string, known map[string]api.DriverDrift) {
	text := id + " (not back since the server was away)"
	if d, there := known[id]; there {
		text = fmt.Sprintf("%s (%s, last seen with %d players)", id, d.State, d.Reported.Players)
	}
	u.ids, u.texts = append(u.ids, id), append(u.texts, text)
}

// err names the drivers that have not applied the stop.
func (u unreached) err() error {
	end := "was not reached; it is stopped when it is back"
	if u.n > 1 {
		end = "were not reached; they are stopped when they are back"
	}
	return &clierr.Error{
		Code:   clierr.Missing,
		What:   fmt.Sprintf("%s: %s %s", loud, verdict.SomeOf(u.texts, u.n), end),
		Detail: u.texts[:min(len(u.texts), 10)],
	}
}

// meant is how many drivers the stops are for.
func (f *follower) meant() int {
	ids := maps.Clone(f.loaded)
	for _, stop := range f.stops {
		maps.Copy(ids, submit.Reached(stop))
		for _, l := range remote.LeftOut(stop) {
			ids[l.DriverId] = true
		}
	}
	return len(ids)
}
