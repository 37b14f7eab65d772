package plan

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/submit"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

const (
	lookPace = time.Second      // between two looks at the drivers in a hold
	linePace = 10 * time.Second // between two lines about them, where nothing is drawn in place
)

// hold is a time in which the load stays the same, and is monitored.
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

func (h *hold) begin(now time.Time) { h.began, h.looked, h.said = now, now, now }

// left returns the remaining time.
func (h *hold) left(now time.Time) time.Duration { return h.began.Add(h.limit).Sub(now) }

// due reports whether to look at the drivers; looked is the time of the last look in this hold or an earlier one. A
// hold that reports something looks at its start and its end, even if it is short. The steps of a ramp may be shorter
// than the interval of the looks.
func (h *hold) due(now, looked time.Time) bool {
	ends := h.left(now) <= 0 || h.looked.Equal(h.began)
	return (h.sums || h.last) && ends || now.Sub(looked) >= lookPace
}

// missed records a look that the server did not answer: it is unknown whether the load is on target.
func (h *hold) missed(now time.Time) { h.looked = now }

// see records the result of a look. It reports whether a line about it is due.
func (h *hold) see(now time.Time, p submit.Progress) (due bool) {
	if p.Done() && p.Newer == 0 {
		h.onTarget += now.Sub(h.looked)
	}
	h.looked, h.seen = now, p
	if due = now.Sub(h.said) >= linePace; due {
		h.said = now
	}
	return due
}

// sum says how long the load was on target; "" if that is not reported.
func (h *hold) sum() string {
	if !h.sums || h.seen.Meant == 0 {
		return ""
	}
	return fmt.Sprintf("%s: on target for %s; %s", h.name, share(h.onTarget, h.looked.Sub(h.began)), h.seen)
}

// share formats a part of a time: "11 of 25 s", and for a short one "0.3 of 0.5 s".
func share(part, whole time.Duration) string {
	const short = 10 * time.Second
	if whole < short {
		return fmt.Sprintf("%.1f of %.1f s", part.Seconds(), whole.Seconds())
	}
	return fmt.Sprintf("%.0f of %.0f s", part.Seconds(), whole.Seconds())
}

// newlyUnknown returns the drivers that the server knew at the last look and does not know now. The server must be
// asked soon which of them have deregistered, because it forgets that in time.
func (ps *participants) newlyUnknown(states map[string]api.DriverState) []string {
	_, unknown := ps.absent(states)
	return slices.DeleteFunc(unknown, func(id string) bool { return !ps.all[id].silent.IsZero() })
}

// hear records which drivers are silent, and since when. A driver that is not in the roster has deregistered, unless
// the server was unavailable since the last step: then it may have forgotten drivers that still run.
func (ps *participants) hear(now time.Time, states map[string]api.DriverState, away bool) {
	ps.states = states
	for id, p := range ps.all {
		switch state, there := states[id]; {
		case !p.in:
		case state == api.DriverStateActive:
			p.silent, p.excused, p.awaited = time.Time{}, false, false
		case p.silent.IsZero() && (there || away):
			p.silent = now
		}
	}
}

// silent returns the silent drivers that match a condition.
func (ps *participants) silent(like func(id string, p *participant) bool) []string {
	return slices.DeleteFunc(ps.ids(), func(id string) bool {
		p := ps.all[id]
		return p.silent.IsZero() || !like(id, p)
	})
}

// overdue reports whether a driver has been silent for too long. The server sends a driver that reconnects its desired
// load, so retry means to wait for it.
func (ps *participants) overdue(now time.Time, id, onMissing string) bool {
	limit := ps.plan.Rejoin
	if ps.states[id] == "" { // the server was unavailable
		limit = max(limit, afterAway)
	}
	if onMissing == Retry {
		limit += ps.retryTime()
	}
	return now.Sub(ps.all[id].silent) > limit
}

// retryTime returns how much longer a hold waits for a driver under retry.
func (ps *participants) retryTime() time.Duration {
	return time.Duration(*ps.plan.Retries) * ps.plan.Rejoin
}

// mayReturn reports whether a hold that is over must continue: under retry, for drivers that may still reconnect.
func (ps *participants) mayReturn(now time.Time, onMissing string) bool {
	return onMissing == Retry && len(ps.silent(func(id string, p *participant) bool {
		return ps.states[id] != "" && !p.excused && !ps.overdue(now, id, Retry)
	})) > 0
}

// judge applies the plan's rule to silent drivers: it returns the lines to print, and whether too many drivers are
// missing. At the end of the last hold any silence is too long, unless the plan waits for the drivers. Drivers that the
// server has forgotten are looked for after the stop.
func (ps *participants) judge(now time.Time, h *hold, end bool) (lines []string, missed error) {
	if h.onMissing == Retry {
		lines = ps.waiting(now, h.name)
	}
	missing := ps.silent(func(id string, _ *participant) bool {
		return ps.overdue(now, id, h.onMissing) || end && h.onMissing != Retry && ps.states[id] != ""
	})
	fresh := slices.DeleteFunc(slices.Clone(missing), func(id string) bool { return ps.all[id].excused })
	if len(fresh) == 0 {
		return lines, nil
	}
	for _, id := range fresh {
		ps.all[id].excused = true
	}
	if ps.plan.Allow.Covers(len(missing), len(ps.ids())) {
		line := fmt.Sprintf("%s: the state of %s is unknown; this many may be missing", h.name, verdict.Some(fresh))
		return append(lines, line), nil
	}
	missed = ps.missing(now, h.name, missing, h.seen)
	if h.onMissing == Continue {
		lines = append(lines, fmt.Sprintf("%s: going on without %s: %v", h.name, verdict.Some(fresh), missed))
		for _, id := range missing {
			ps.all[id].in, ps.all[id].silent = false, time.Time{}
		}
	}
	return lines, missed
}

// waiting returns a line that the hold waits for drivers, once per driver.
func (ps *participants) waiting(now time.Time, name string) []string {
	ids := ps.silent(func(id string, p *participant) bool { return !p.awaited && ps.overdue(now, id, Abort) })
	if len(ids) == 0 {
		return nil
	}
	for _, id := range ids {
		ps.all[id].awaited = true
	}
	return []string{fmt.Sprintf("%s: waiting for %s to reconnect, at most %v more; the server then sends them the load",
		name, verdict.Some(ids), ps.retryTime())}
}

// missing returns the error that names the missing drivers.
func (ps *participants) missing(now time.Time, name string, ids []string, seen submit.Progress) error {
	var detail []string
	for _, id := range ids {
		state := cmp.Or(string(ps.states[id]), "not reconnected since the server was unavailable")
		long := now.Sub(ps.all[id].silent).Round(time.Second)
		detail = append(detail, fmt.Sprintf("%s unknown: %s, for %v", id, state, long))
	}
	return &clierr.Error{
		Code: clierr.Missing,
		What: fmt.Sprintf("%s: %d of %d drivers are missing: state unknown for %s",
			name, len(ids), len(ps.ids()), verdict.Some(ids)),
		Cause: errors.New(seen.String()), Detail: detail[:min(len(detail), 10)],
		Hint: alive,
	}
}

// alive is the hint for missing drivers.
const alive = "are these drivers running? swarmcall drivers list; options for missing drivers: " +
	"swarmcall help plans"
