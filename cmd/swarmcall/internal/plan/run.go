package plan

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

// Runner runs one plan once.
type Runner struct {
	Plan      *Plan
	Client    *remote.Client
	Line      *console.Line
	Submitter string
	ID        string // names the run: keys and notes begin with it

	start   int64                      // newest entry when the run began
	newest  int64                      // newest load command of ours, once known
	known   bool                       // newest is
	own     map[int64]bool             // load commands of this run; true: of players, false: of none
	sent    atomic.Bool                // load may have been commanded, and not been stopped
	issued  int                        // commands so far: each has a key of its own
	steps   []report.Step              // what was sent, and holds that went wrong
	crew    map[string]bool            // drivers that the last step reached
	reached map[string]int64           // the last entry that reached each of them
	silent  map[string]time.Time       // of these, since when nothing is known of them
	since   map[string]time.Time       // of these, since when a step has missed them
	waited  map[string]bool            // of these, a step has waited for them as long as it should
	stood   time.Duration              // that the last step has waited for drivers
	states  map[string]api.DriverState // of the roster, when it was last seen in a hold
	excused map[string]bool            // of these, it was said that they are missing
	awaited map[string]bool            // of these, it was said that they are waited for
	retries int64                      // of the client, when the last step was sent
	load    int64                      // entry of the load in force; 0: none
	missed  error                      // first step or hold under Continue that drivers were missing in
	taken   error                      // somebody else commands now
	checked time.Time                  // when that was last asked
	looked  time.Time                  // when the drivers were last looked at, in a hold
	unheard bool                       // the server did not answer then
	older   older                      // what the server does not know yet
}

// Run runs the plan and stops the load. The steps are in the report either way.
func (r *Runner) Run(ctx context.Context) (steps []report.Step, err error) {
	r.own, r.crew, r.silent, r.excused = map[int64]bool{}, map[string]bool{}, map[string]time.Time{}, map[string]bool{}
	r.awaited, r.waited, r.reached = map[string]bool{}, map[string]bool{}, map[string]int64{}
	heard := context.AfterFunc(ctx, func() {
		if r.sent.Load() {
			r.Line.Say("stopping the load; a second Ctrl-C leaves at once, with the load on")
		}
	})
	defer heard()
	r.Line.Say("run %s of plan %q: %d stages, for %s", r.ID, r.Plan.Name, len(r.Plan.Stages), r.Plan.drivers())
	if err = r.begin(ctx); err == nil {
		err = r.stages(ctx)
	}
	r.Line.Keep()
	switch {
	case err == nil && r.Plan.Leave:
		r.Line.Say("the load is left on; to end it: %s", remote.StopLine(r.Plan.Aim()))
		return r.steps, r.missed
	case err == nil:
		err = r.missed
	case ctx.Err() != nil:
		err = &clierr.Error{Code: clierr.Interrupted, What: "interrupted"}
	}
	return r.steps, r.end(ctx, err)
}

// LastWord is for who leaves without waiting for the end.
func (r *Runner) LastWord() {
	if r.sent.Load() {
		r.Line.Say("THE LOAD MAY STILL BE ON: left before the stop was acked; to stop it: %s",
			remote.StopLine(r.Plan.Aim(), "--yes"))
	}
}

// begin notes where the log stands: what is older than that is no newer command. A condition that names a conditional
// command of the same submitter goes back to what that one was based on, so an earlier run must not be named: what
// others have commanded since its begin would not be ours to change. The place behind it is taken by its outcome, and
// means the same moment.
func (r *Runner) begin(ctx context.Context) error {
	const tries = 5 // while commands of ours are open
	for range tries {
		page, err := r.Client.Commands(ctx, remote.CommandFilter{Limit: 1})
		if err != nil || len(page.Items) == 0 {
			return err
		}
		e := page.Items[0]
		r.start, r.newest = e.Seq, e.Seq
		switch {
		case e.IfSeq == nil || e.Submitter != r.Submitter:
			return nil
		case remote.Closed(e):
			r.newest = e.Seq + 1
			return nil
		}
		r.Line.Say("waiting for the outcome of entry %d, an earlier command of %s", e.Seq, r.Submitter)
		if _, err := r.Client.Outcome(ctx, e.Seq, time.Duration(e.DeadlineMs)*time.Millisecond+outcomeSlack); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) stages(ctx context.Context) error {
	for i, s := range r.Plan.Stages {
		name := fmt.Sprintf("stage %d/%d", i+1, len(r.Plan.Stages))
		if err := r.stage(ctx, name, s, i == len(r.Plan.Stages)-1); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (r *Runner) stage(ctx context.Context, name string, s Stage, last bool) error {
	onMissing := s.OnMissing
	if onMissing == "" {
		onMissing = r.Plan.OnMissing
	}
	switch {
	case s.Wait != nil:
		return r.wait(ctx, name, *s.Wait)
	case s.Set != nil:
		return r.command(ctx, name, setPlayers(s.Set.Players, s.Set.Total), onMissing)
	case s.SpawnDelay != nil:
		return r.command(ctx, name, setDelay(*s.SpawnDelay), onMissing)
	case s.Hold != nil:
		r.Line.Say("%s: hold for %v", name, *s.Hold)
		return r.hold(ctx, hold{name: name, limit: *s.Hold, onMissing: onMissing, last: last, sums: true})
	case s.Ramp != nil:
		return r.ramp(ctx, name, s.Ramp, onMissing)
	}
	return errors.New("a stage of no kind") // Check refuses it
}

func (r *Runner) ramp(ctx context.Context, name string, ramp *Ramp, onMissing string) error {
	values := ramp.Values()
	for i, v := range values {
		command := setPlayers(&v, nil)
		if ramp.Total {
			command = setPlayers(nil, &v)
		}
		if err := r.command(ctx, fmt.Sprintf("%s, step %d/%d", name, i+1, len(values)), command, onMissing); err != nil {
			return err
		}
		if i < len(values)-1 {
			limit := max(ramp.Every-r.stood, 0) // what it has waited for drivers counts
			if err := r.hold(ctx, hold{name: name, limit: limit, onMissing: onMissing}); err != nil {
				return err
			}
		}
	}
	return nil
}

// wait waits until so many drivers are active.
func (r *Runner) wait(ctx context.Context, name string, w Wait) error {
	r.Line.Say("%s: wait for %d drivers, at most %v", name, w.Drivers, w.Timeout)
	limited, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	for {
		active, err := r.active(limited)
		if err == nil && len(active) >= w.Drivers {
			return nil
		}
		r.Line.Draw(r.Line.Part(name, "drivers", int64(len(active)), int64(w.Drivers)))
		if err := r.pause(limited, rollPace); r.taken != nil {
			return err
		} else if err != nil {
			break
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return &clierr.Error{
		Code: clierr.Timeout, What: fmt.Sprintf("%s: fewer than %d drivers are active after %v", name, w.Drivers, w.Timeout),
		Hint: "who is there: swarmcall drivers list",
	}
}

const (
	rollPace  = 200 * time.Millisecond
	afterAway = 35 * time.Second // that drivers get to come back after the server was away: their back-off goes up to 30 s
)

// rollCall waits, before a step, until the drivers of the last ones are there. Each that is lost is waited for once,
// for as long as a driver may take to come back since it was missed; one that has deregistered is not waited for.
func (r *Runner) rollCall(ctx context.Context) error {
	began, told := time.Now(), false
	defer func() { r.stood = time.Since(began) }()
	limit := r.Plan.Rejoin
	if r.Client.Retries() != r.retries {
		limit = max(limit, afterAway)
	}
	for len(r.crew) > 0 {
		lost, end, err := r.lost(ctx, limit)
		if err != nil || len(lost) == 0 {
			return err
		}
		if !time.Now().Before(end) {
			for _, id := range lost {
				r.waited[id] = true
			}
			return nil
		}
		if !told {
			r.Line.Say("waiting for %s to come back, at most %v", some(lost), time.Until(end).Round(time.Millisecond))
			told = true
		}
		r.Line.Draw(fmt.Sprintf("waiting for %d of %d drivers to come back", len(lost), len(r.crew)))
		if err := r.pause(ctx, rollPace); err != nil {
			return err
		}
	}
	return nil
}

// lost are the drivers of the crew that are not there and have not been waited for, and until when to wait for them.
func (r *Runner) lost(ctx context.Context, limit time.Duration) (ids []string, end time.Time, _ error) {
	states, err := r.roster(ctx)
	if err != nil {
		return nil, end, err
	}
	inactive, unknown := r.absent(states)
	ids = append(inactive, r.release(ctx, unknown)...)
	since := map[string]time.Time{}
	for _, id := range ids {
		switch {
		case !r.silent[id].IsZero():
			since[id] = r.silent[id] // a hold has missed it before
		case !r.since[id].IsZero():
			since[id] = r.since[id]
		default:
			since[id] = time.Now()
		}
		if by := since[id].Add(limit); !r.waited[id] && by.After(end) {
			end = by
		}
	}
	for id := range r.waited {
		if since[id].IsZero() {
			delete(r.waited, id) // it is back, and may be lost again
		}
	}
	r.since = since
	return slices.DeleteFunc(ids, func(id string) bool { return r.waited[id] }), end, nil
}

// some names the first of many.
func some(names []string) string { return verdict.Some(names) }
