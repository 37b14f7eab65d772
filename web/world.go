package web

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/view"
)

// world takes the roster and the newest commands as they are now: a page shows at least what this server has answered.
func (u *UI) world(ctx context.Context) view.World {
	p, err := u.cfg.Log.Page(ctx, swarm.Query{Limit: view.RecentEntries})
	if err != nil {
		u.cfg.Logger.Warn("the dashboard cannot read the log", "err", err)
	}
	return u.worldOf(ctx, p.Entries, err)
}

func (u *UI) worldOf(ctx context.Context, entries []swarm.Entry, err error) view.World {
	w := view.World{
		Now: time.Now(), Drivers: u.cfg.Fleet.Drivers(), Recent: entries, LogErr: err, Trouble: u.health.trouble(ctx),
		Samples: u.history.samples(), Sparks: u.history.spark, Events: u.history.events,
	}
	if u.cfg.Desired != nil {
		w.Drifts = drifts(u.cfg.Desired.State())
	} else {
		w.Drifts = foldDrifts(w)
	}
	w.NotBack = u.notBack(w)
	return w.Settled()
}

// remembered is how many commands from before a start tell who ran what.
const remembered = 5

// notBack lists the drivers that may run what they ran before this server started, and were not here since.
func (u *UI) notBack(w view.World) []string {
	if w.Now.Sub(u.cfg.Started) > u.cfg.RunsOn {
		return nil
	}
	known := make(map[string]bool, len(w.Drivers))
	for _, d := range w.Drivers {
		known[d.ID] = true
	}
	var out []string
	left := remembered
	for _, e := range w.Recent {
		if e.Issued.Command.Slot() != swarm.PlayersSlot || e.Issued.SubmittedAt.After(u.cfg.Started) || left == 0 {
			continue
		}
		left--
		for i, id := range e.Issued.Targets {
			if !known[id] && mayRun(e, i) && len(u.history.events(id)) == 0 {
				out = append(out, id)
			}
			known[id] = true
		}
	}
	slices.Sort(out)
	return out
}

// mayRun is false for a target that has acked to run nothing.
func mayRun(e swarm.Entry, target int) bool {
	c := e.Issued.Command
	nothing := c.Type == swarm.Stop || c.Players == 0
	return !nothing || e.Closed == nil || e.Closed.Verdicts[target].Kind != swarm.Acked
}

func drifts(s swarm.State) map[string]swarm.Drift {
	out := make(map[string]swarm.Drift, len(s.Drivers))
	for _, d := range s.Drivers {
		out[d.DriverID] = d
	}
	return out
}

// foldDrifts makes do with the newest commands when there is nobody to ask.
func foldDrifts(w view.World) map[string]swarm.Drift {
	var fold swarm.Desired
	for i := len(w.Recent) - 1; i >= 0; i-- {
		fold.Issue(w.Recent[i].Issued.Issue(w.Recent[i].Seq))
	}
	out := make(map[string]swarm.Drift, len(w.Drivers))
	for _, d := range w.Drivers {
		out[d.ID] = swarm.Drift{DriverID: d.ID, Desired: fold.For(d.ID, d.Labels), ReportedSeq: d.AppliedSeq}
	}
	return out
}

// health asks for readiness at most every two seconds, however many pages want to know.
type health struct {
	ready func(context.Context) []Check

	mu    sync.Mutex
	asked time.Time
	last  []Check
}

const askHealthEvery = 2 * time.Second

func (h *health) checks(ctx context.Context) []Check {
	h.mu.Lock()
	defer h.mu.Unlock()
	if time.Since(h.asked) >= askHealthEvery {
		h.last, h.asked = h.ready(ctx), time.Now()
	}
	return h.last
}

// trouble is the first reason why commands are refused, or "".
func (h *health) trouble(ctx context.Context) string {
	for _, c := range h.checks(ctx) {
		if !c.OK {
			if c.Detail == "" {
				return "the check " + c.Name + " fails"
			}
			return view.Plain(c.Detail)
		}
	}
	return ""
}
