package plan

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

// Runner runs one plan once. It has the clock, the server and the terminal. Its parts decide what the run does next and
// how it reacts to answers; they have none of these.
type Runner struct {
	Plan      *Plan
	Server    Server
	Line      *console.Line
	Submitter string // "" for that of the token
	ID        string // prefix of keys and notes

	claim            claim
	drivers          participants
	older            older         // which answers an older server does not have
	sent             atomic.Bool   // load may have been commanded and not stopped
	steps            []report.Step // what was sent, and holds that failed
	missed           error         // the first step or hold under Continue with missing drivers
	taken            error         // another submitter now commands drivers of the run
	waitedForDrivers time.Duration // time that the last step has waited for drivers
	retries          int64         // of the client, when the last step was sent
	checked          time.Time     // when the run last asked whether another submitter commands
	looked           time.Time     // when a hold last looked at the drivers
	unheard          bool          // the server did not answer the last look
}

// Run runs the plan and stops the load. It returns the steps in any case.
func (r *Runner) Run(ctx context.Context) (steps []report.Step, err error) {
	r.claim = claim{submitter: r.Submitter, id: r.ID, plan: r.Plan.Name, own: map[int64]bool{}}
	r.drivers = participants{plan: r.Plan, all: map[string]*participant{}}
	heard := context.AfterFunc(ctx, func() {
		if r.sent.Load() {
			r.Line.Say("stopping the load; a second Ctrl-C exits at once and leaves the load running")
		}
	})
	defer heard()
	r.Line.Say("run %s of plan %q: %s, for %s", r.ID, r.Plan.Name, stages(len(r.Plan.Stages)), r.Plan.drivers())
	if err = r.identify(ctx); err == nil {
		err = r.begin(ctx)
	}
	if err == nil {
		err = r.run(ctx)
	}
	r.Line.Keep()
	switch {
	case err == nil && r.Plan.Leave:
		r.Line.Say("the load keeps running; to stop it: %s", remote.StopLine(r.Plan.Aim()))
		return r.steps, r.missed
	case err == nil:
		err = r.missed
	case ctx.Err() != nil:
		err = &clierr.Error{Code: clierr.Interrupted, What: "interrupted"}
	}
	return r.steps, r.end(ctx, err)
}

// LastWord prints a warning for a user who exits without waiting for the end.
func (r *Runner) LastWord() {
	if r.sent.Load() {
		r.Line.Say("THE LOAD MAY STILL BE RUNNING: exited before the stop was acked; to stop it: %s",
			remote.StopLine(r.Plan.Aim(), "--yes"))
	}
}

// begin finds the current position of the log.
func (r *Runner) begin(ctx context.Context) error {
	const tries = 5 // while our own commands are open
	for range tries {
		page, err := r.Server.Commands(ctx, remote.CommandFilter{Limit: 1})
		if err != nil || len(page.Items) == 0 || r.claim.begin(page.Items[0]) {
			return err
		}
		e := page.Items[0]
		r.Line.Say("waiting for the outcome of entry %d, an earlier command of %s", e.Seq, r.claim.submitter)
		if _, err := r.Server.Outcome(ctx, e.Seq, remote.OutcomeLimit(e)); err != nil {
			return err
		}
	}
	return nil
}

func (r *Runner) run(ctx context.Context) error {
	for s := range r.Plan.steps() {
		if err := r.step(ctx, s); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (r *Runner) step(ctx context.Context, s step) error {
	switch {
	case s.wait != nil:
		return r.wait(ctx, s.name, *s.wait)
	case s.command != nil:
		return r.command(ctx, s)
	case s.between:
		s.hold.limit = max(s.hold.limit-r.waitedForDrivers, 0)
	default:
		r.Line.Say("%s: hold for %v", s.name, s.hold.limit)
	}
	return r.hold(ctx, s.hold)
}

// wait waits until enough drivers are active.
func (r *Runner) wait(ctx context.Context, name string, w Wait) error {
	r.Line.Say("%s: wait for %d drivers, at most %v", name, w.Drivers, w.Timeout)
	limited, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	for {
		states, err := r.Plan.roster(limited, r.Server)
		active := count(states, api.DriverStateActive)
		if err == nil && active >= w.Drivers {
			return nil
		}
		r.Line.Draw(r.Line.Part(name, "drivers", int64(active), int64(w.Drivers)))
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
		Code: clierr.Timeout,
		What: fmt.Sprintf("%s: fewer than %d drivers are active after %v", name, w.Drivers, w.Timeout),
		Hint: "list the drivers: swarmcall drivers list",
	}
}

// rollPace is the time between two reads of the roster.
const rollPace = 200 * time.Millisecond

// rollCall waits, before a step, until the drivers of the earlier steps are connected, at most for rejoin.
func (r *Runner) rollCall(ctx context.Context) error {
	began, told := time.Now(), false
	defer func() { r.waitedForDrivers = time.Since(began) }()
	limit := r.Plan.Rejoin
	if r.away() {
		limit = max(limit, afterAway)
	}
	for len(r.drivers.ids()) > 0 {
		states, err := r.Plan.roster(ctx, r.Server)
		if err != nil {
			return err
		}
		inactive, unknown := r.drivers.absent(states)
		lost, end := r.drivers.toWaitFor(time.Now(), limit, append(inactive, r.release(ctx, unknown)...))
		if len(lost) == 0 {
			return nil
		}
		if !time.Now().Before(end) {
			r.drivers.waitedFor(lost)
			return nil
		}
		if !told {
			more := time.Until(end).Round(time.Millisecond)
			r.Line.Say("waiting for %s to reconnect, at most %v", verdict.Some(lost), more)
			told = true
		}
		r.Line.Draw(fmt.Sprintf("waiting for %d of %d drivers to reconnect", len(lost), len(r.drivers.ids())))
		if err := r.pause(ctx, rollPace); err != nil {
			return err
		}
	}
	return nil
}

// away reports whether the server may have been unavailable since the last step was sent.
func (r *Runner) away() bool { return r.Server.Retries() != r.retries }
