package plan

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
)

// loaded are the drivers that may run load of this run: who acked it, and who was sent it and did not answer.
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

func isLoad(e remote.Entry) bool {
	return e.Seq > 0 && remote.CommandOf(e).Type == api.CommandTypeSetPlayers
}

// wants tells a command that wants players from one that wants none.
func wants(e remote.Entry) bool {
	c := remote.CommandOf(e)
	return c.Players != nil && *c.Players > 0 || c.PlayersTotal != nil && *c.PlayersTotal > 0
}

// follower looks for drivers that the stop has not reached.
type follower struct {
	*Runner
	stop   remote.Entry
	away   bool // the server was: it may have forgotten drivers that run on
	loaded map[string]bool
}

// wait gives drivers that are away time to come back, if it may and until ctx ends. It returns those that are not stopped.
func (f *follower) wait(ctx context.Context, may bool) ([]api.DriverDrift, error) {
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), endLimit+afterAway)
	defer cancel()
	f.loaded = f.Runner.loaded(asking)
	for _, id := range stillMissing(f.stop) {
		f.loaded[id] = true
	}
	limit, told := f.Plan.Rejoin, false
	if f.away {
		limit = max(limit, afterAway)
	}
	for end := time.Now().Add(limit); ; {
		left, err := f.look(asking)
		if err != nil || len(left) == 0 || !may || !time.Now().Before(end) {
			return left, err
		}
		if !told {
			f.Line.Say("the stop has not reached %s; waiting for them to come back, at most %v", some(idsOf(left)), limit)
			told = true
		}
		if !remote.Sleep(ctx, rollPace) {
			return left, nil
		}
	}
}

// look returns the drivers that are not stopped. One that is not in the roster has deregistered in order, or the server has forgotten
// it. One that came later was told the load by the server: it shows only by what it reports.
func (f *follower) look(ctx context.Context) (left []api.DriverDrift, _ error) {
	page, err := f.Client.Drift(ctx)
	known := map[string]bool{}
	for _, d := range page.Items {
		known[d.DriverId] = true
		told := slices.ContainsFunc(d.Desired, func(c api.DesiredCommand) bool { return c.Seq == f.stop.Seq })
		if d.AppliedSeq < f.stop.Seq && (f.loaded[d.DriverId] || told && d.Reported.Players > 0) {
			left = append(left, d)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(f.loaded)) {
		if f.away && !known[id] {
			left = append(left, api.DriverDrift{DriverId: id})
		}
	}
	return left, err
}

func idsOf(drivers []api.DriverDrift) []string {
	ids := make([]string, len(drivers))
	for i, d := range drivers {
		ids[i] = d.DriverId
	}
	return ids
}

// yield ends a run whose drivers somebody else commands now. What he did not concern still runs this run's load: that is said.
func (r *Runner) yield(ctx context.Context, cause error) error {
	r.Line.Say("nothing is stopped: the last word is somebody else's")
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askLimit)
	defer cancel()
	ours := map[int64]bool{}
	for _, s := range r.steps {
		ours[s.Entry.Value.Seq] = isLoad(s.Entry.Value) && wants(s.Entry.Value)
	}
	page, err := r.Client.Drift(ctx)
	if err != nil {
		r.Line.Say("%s on drivers that the other command did not concern: %v; see swarmcall state", loud, err)
		return cause
	}
	left := slices.DeleteFunc(page.Items, func(d api.DriverDrift) bool {
		return !slices.ContainsFunc(d.Desired, func(c api.DesiredCommand) bool { return ours[c.Seq] })
	})
	if len(left) > 0 {
		r.Line.Say("THE LOAD OF THIS RUN IS STILL ON, on %d drivers that the other command did not concern: %s", len(left), some(idsOf(left)))
		r.Line.Say("to stop it: %s", r.howToStop(idsOf(left)))
	}
	return cause
}

// howToStop is the command line that stops the drivers: by name while they are few.
func (r *Runner) howToStop(ids []string) string {
	const few = 10
	if len(ids) <= few {
		return "swarmcall stop --driver " + strings.Join(ids, " --driver ")
	}
	if t := r.Plan.Target; t != nil && len(t.Labels) > 0 {
		line := "swarmcall stop"
		for _, key := range slices.Sorted(maps.Keys(t.Labels)) {
			line += " --label " + key + "=" + t.Labels[key]
		}
		return line + " (the drivers of the other command with the same label too)"
	}
	return "swarmcall stop --driver ID, for each that swarmcall state shows; or swarmcall stop, for the drivers of the other command too"
}
