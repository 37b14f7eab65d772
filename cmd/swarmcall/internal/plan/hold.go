package plan

import (
	"context"
	"fmt"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/report"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/submit"
)

const (
	lookPace = time.Second      // between two looks at the drivers in a hold
	linePace = 10 * time.Second // between two lines about them, where none is drawn
)

// hold is a time in which the load stays as it is, and is watched.
type hold struct {
	name      string
	limit     time.Duration
	onMissing string
	last      bool // the plan ends with it
	sums      bool // say at its end how long the load was on target

	began, looked, said time.Time
	onTarget            time.Duration
	seen                submit.Progress // at the last look that the server answered
}

// hold lets time pass. Meanwhile it watches the drivers, and ends early when too many of them are missing or somebody
// else commands.
func (r *Runner) hold(ctx context.Context, h hold) error {
	h.began = time.Now()
	h.looked, h.said = h.began, h.began
	err := r.watch(ctx, &h)
	r.unheard = false
	if h.sums && h.seen.Meant > 0 {
		r.Line.Say("%s: on target for %s; %s", h.name, share(h.onTarget, h.looked.Sub(h.began)), h.seen)
	}
	if err != nil && ctx.Err() == nil {
		r.blame(&h, err)
	}
	return err
}

// blame has reports show what went wrong in a hold, though no command did.
func (r *Runner) blame(h *hold, err error) {
	r.steps = append(r.steps, report.Step{Name: h.name + ": hold", Err: err})
}

func (r *Runner) watch(ctx context.Context, h *hold) error {
	for end := h.began.Add(h.limit); ; {
		left := time.Until(end)
		if h.due(left <= 0) || time.Since(r.looked) >= lookPace {
			r.look(ctx, h, max(min(left, lookLimit), checkPace))
			if err := r.heard(h, left <= 0 && h.last); err != nil {
				return err
			}
		}
		if left = time.Until(end); left <= 0 && (!h.last || !r.waits(h)) {
			return ctx.Err()
		} else if left <= 0 {
			left = lookPace
		}
		if err := r.pause(ctx, min(left, checkPace)); err != nil {
			return err
		}
	}
}

// due tells when a hold has to be looked at, however short it is: at its begin and at its end, if something is said
// about it. The steps of a ramp may be shorter than a look should take.
func (h *hold) due(end bool) bool { return (h.sums || h.last) && (end || h.looked.Equal(h.began)) }

// look asks the server what the drivers do. While it does not answer, nobody knows that the load is on target.
func (r *Runner) look(ctx context.Context, h *hold, limit time.Duration) {
	if r.load == 0 {
		return
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	p, err := submit.Measure(limited, r.Client, r.load)
	before := h.looked
	h.looked = time.Now()
	r.looked, r.unheard = h.looked, err != nil && remote.RefusalOf(err) == nil
	if err != nil {
		return
	}
	h.seen = p
	if p.Done() && p.Newer == 0 {
		h.onTarget += h.looked.Sub(before)
	}
	r.hear(limited, p.Roster, h.looked)
	r.Line.Draw(r.Line.Players(h.name, p.Actual, p.Target))
	if h.looked.Sub(h.said) >= linePace {
		h.said = h.looked
		if !r.Line.Animated() {
			r.Line.Say("%s: %s", h.name, p)
		}
	}
}

// share says a part of a time: "11 of 25 s", and of a short one "0.3 of 0.5 s".
func share(part, whole time.Duration) string {
	const short = 10 * time.Second
	if whole < short {
		return fmt.Sprintf("%.1f of %.1f s", part.Seconds(), whole.Seconds())
	}
	return fmt.Sprintf("%.0f of %.0f s", part.Seconds(), whole.Seconds())
}
