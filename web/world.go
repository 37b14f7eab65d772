package web

import (
	"context"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// world reads the present roster and the newest commands: a page shows at least what this server has already answered.
func (u *UI) world(ctx context.Context) view.World {
	p, err := u.cfg.Log.Page(ctx, swarm.Query{Limit: view.RecentEntries})
	if err != nil {
		u.cfg.Logger.Warn("the dashboard cannot read the log", "err", err)
	}
	return u.worldOf(ctx, p.Entries, err)
}

func (u *UI) worldOf(ctx context.Context, entries []swarm.Entry, err error) view.World {
	w := view.World{
		Now: time.Now(), Recent: entries, LogErr: err, Trouble: u.health.trouble(ctx),
		Sparks: u.history.spark, Events: u.history.events,
	}
	w.Drivers, w.Drifts = roster(u.cfg.Fleet.Drivers(), u.cfg.Fleet.State(swarm.StateQuery{}))
	w.Withdrawals = u.withdrawals.list()
	w.Progress, w.Reach = u.cfg.Fleet.Progress, u.cfg.Fleet.Reach
	w.Samples, w.Resumed = u.history.samples()
	w.NotBack = u.notBack(w)
	return w.Settled()
}

// roster returns each driver in the state that the server's comparison used. The two are read one after the other:
// otherwise a driver could be shown as stale and as active.
func roster(drivers []swarm.Driver, s swarm.State) ([]swarm.Driver, map[string]swarm.Drift) {
	drifts := make(map[string]swarm.Drift, len(s.Drivers))
	for _, d := range s.Drivers {
		drifts[d.DriverID] = d
	}
	out := make([]swarm.Driver, 0, len(drivers))
	for _, d := range drivers {
		drift, known := drifts[d.ID]
		if !known {
			continue // it left between the two reads
		}
		d.State, d.Unresponsive = drift.State, drift.Unresponsive
		d.Reported, d.AppliedSeq = drift.Reported, drift.AppliedSeq
		out = append(out, d)
	}
	return out, drifts
}

// health checks readiness at most every two seconds, however many pages ask.
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
