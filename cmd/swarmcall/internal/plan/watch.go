package plan

import (
	"cmp"
	"context"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/submit"
)

// hold lets time pass. It monitors the drivers, and ends early when too many of them are missing or another submitter
// commands them.
func (r *Runner) hold(ctx context.Context, h *hold) error {
	h.begin(time.Now())
	err := r.watch(ctx, h)
	r.unheard = false
	if sum := h.sum(); sum != "" {
		r.Line.Say("%s", sum)
	}
	if err != nil && ctx.Err() == nil {
		r.blame(h, err)
	}
	return err
}

// blame adds the failure of a hold to the reports, although no command failed.
func (r *Runner) blame(h *hold, err error) {
	r.steps = append(r.steps, report.Step{Name: h.name + ": hold", Err: err})
}

func (r *Runner) watch(ctx context.Context, h *hold) error {
	for {
		now := time.Now()
		left := h.left(now)
		if h.due(now, r.looked) {
			r.look(ctx, h, max(min(left, lookLimit), checkPace))
			if err := r.heard(h, left <= 0 && h.last); err != nil {
				return err
			}
		}
		now = time.Now()
		if left = h.left(now); left <= 0 && (!h.last || !r.drivers.mayReturn(now, h.onMissing)) {
			return ctx.Err()
		} else if left <= 0 {
			left = lookPace
		}
		if err := r.pause(ctx, min(left, checkPace)); err != nil {
			return err
		}
	}
}

// look asks the server for the state of the drivers.
func (r *Runner) look(ctx context.Context, h *hold, limit time.Duration) {
	if r.claim.load == 0 {
		return
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p, err := submit.Measure(limited, r.Server, r.claim.load)
	now := time.Now()
	r.looked, r.unheard = now, err != nil && remote.RefusalOf(err) == nil
	if err != nil {
		h.missed(now)
		return
	}
	states := map[string]api.DriverState{}
	for _, d := range p.Roster {
		states[d.DriverId] = d.State
	}
	r.release(limited, r.drivers.newlyUnknown(states))
	r.drivers.hear(now, states, r.away())
	r.Line.Draw(r.Line.Players(h.name, p.Actual, p.Target))
	if h.see(now, p) && !r.Line.Animated() {
		r.Line.Say("%s: %s", h.name, p)
	}
}

// heard handles silent drivers according to the plan.
func (r *Runner) heard(h *hold, end bool) error {
	lines, missed := r.drivers.judge(time.Now(), h, end)
	for _, line := range lines {
		r.Line.Say("%s", line)
	}
	if missed == nil || h.onMissing != Continue {
		return missed
	}
	r.missed = cmp.Or(r.missed, missed)
	r.blame(h, missed)
	return nil
}
