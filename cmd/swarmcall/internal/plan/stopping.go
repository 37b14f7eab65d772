package plan

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/submit"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/verdict"
)

// loaded returns the drivers that may run load of the entries, applied one after the other: those that acked it, and
// those that did not answer it.
func loaded(entries []remote.Entry) map[string]bool {
	ids := map[string]bool{}
	for _, e := range entries {
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

// stopping is the end of a run: its stops, and the drivers that they must reach.
type stopping struct {
	stops  []remote.Entry
	away   bool            // the server was unavailable: it may have forgotten drivers that still run
	loaded map[string]bool // drivers that may run load of this run
}

// unreached lists the drivers that a stop has not reached: the first of them, described for people, and their number.
type unreached struct {
	ids, texts []string
	n          int
}

// look finds the drivers that have not applied the stops by now. The server must be asked which of the drivers it no
// longer knows have deregistered: the others were forgotten while the server was unavailable.
func (s *stopping) look(
	stops []remote.Entry, roster []api.DriverDrift, server *older,
) (left unreached, unknown []string) {
	known := map[string]api.DriverDrift{}
	for _, d := range roster {
		known[d.DriverId] = d
	}
	for _, stop := range stops {
		ids, n := server.outstanding(stop)
		if !server.computes {
			ids = notStoppedYet(stop, s.loaded, roster)
			n = len(ids)
		}
		left.n += n
		for _, id := range ids {
			left.add(id, known)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.loaded)) {
		if _, there := known[id]; s.away && !there && !slices.Contains(left.ids, id) {
			unknown = append(unknown, id)
		}
	}
	return left, unknown
}

// forgotten adds the unknown drivers that have not deregistered.
func (u *unreached) forgotten(unknown []string, deregistered map[string]bool) {
	for _, id := range unknown {
		if !deregistered[id] {
			u.n++
			u.add(id, nil)
		}
	}
}

func (u *unreached) add(id string, known map[string]api.DriverDrift) {
	text := id + " (not reconnected since the server was unavailable)"
	if d, there := known[id]; there {
		text = fmt.Sprintf("%s (%s, last seen with %d players)", id, d.State, d.Reported.Players)
	}
	u.ids, u.texts = append(u.ids, id), append(u.texts, text)
}

// err returns the error that names the drivers that have not applied the stop.
func (u unreached) err() error {
	end := "was not reached; the server stops it when it reconnects"
	if u.n > 1 {
		end = "were not reached; the server stops them when they reconnect"
	}
	return &clierr.Error{
		Code:   clierr.Missing,
		What:   fmt.Sprintf("%s: %s %s", mayStillRun, verdict.SomeOf(u.texts, u.n), end),
		Detail: u.texts[:min(len(u.texts), 10)],
	}
}

// meant returns how many drivers the stops are for.
func (s *stopping) meant() int {
	ids := maps.Clone(s.loaded)
	for _, stop := range s.stops {
		maps.Copy(ids, remote.MeantFor(stop))
	}
	return len(ids)
}

// yielding is the end of a run after another submitter commanded some of its drivers: only the drivers that still have
// its load are stopped.
type yielding struct {
	condition int64           // condition of each stop: its drivers have no newer command
	ours      []string        // drivers that have load of this run and do not receive a stop
	others    []string        // drivers of this run that another submitter commands
	stopped   map[string]bool // drivers that received a stop
	stops     []remote.Entry
}

// sort separates the drivers under commands of this run from those under commands of other submitters.
func (y *yielding) sort(roster []api.DriverDrift, c *claim, ps *participants) {
	y.ours, y.others = nil, nil
	for _, d := range roster {
		load, mine := c.own[submit.DesiredLoad(d)]
		switch {
		case y.stopped[d.DriverId]:
		case load:
			y.ours = append(y.ours, d.DriverId)
		case ps.has(d.DriverId) && !mine:
			y.others = append(y.others, d.DriverId)
		}
	}
}

const mayStillRun = "THE LOAD MAY STILL BE RUNNING"

// stopped adds to an interruption that the load is stopped, so that the user need not check.
func stopped(cause error, sentence string) error {
	e, ok := errors.AsType[*clierr.Error](cause)
	if !ok || e.Code != clierr.Interrupted {
		return cause
	}
	return &clierr.Error{
		Code: clierr.Interrupted, What: "interrupted; the load is stopped", Cause: errors.New(sentence),
	}
}

// notStopped returns a prominent error that the load may still be running. The exit code stays that of the first
// failure.
func (p *Plan) notStopped(cause, err error) error {
	e := &clierr.Error{
		Code: clierr.CodeOf(err), What: mayStillRun + ": the stop was not acked by all", Cause: err,
		Hint: "list the drivers: swarmcall drivers list; stop it: " + remote.StopLine(p.Aim(), "--yes") +
			"\ndisconnected drivers stop when they reconnect, or when their lease ends",
	}
	if inner, ok := errors.AsType[*clierr.Error](err); ok {
		e.Detail = inner.Detail
	}
	if cause != nil {
		e.Code = clierr.CodeOf(cause)
	}
	return loadMayRunError(e, cause, err)
}

// stillOurs returns the error if load of the run may still run beside the load of another submitter. The exit code must
// report that.
func stillOurs(cause, err error) error {
	return loadMayRunError(&clierr.Error{
		Code: clierr.Missing, What: mayStillRun + " on drivers that the other command does not target", Cause: err,
		Hint: "list them: swarmcall state; stop them: swarmcall stop --driver ID",
	}, cause, err)
}

// loadMayRunError adds why the run ended, and the text of err where that names the drivers.
func loadMayRunError(e *clierr.Error, cause, err error) error {
	if inner, ok := errors.AsType[*clierr.Error](err); ok && strings.HasPrefix(inner.What, mayStillRun) {
		e.What, e.Cause, e.Detail, e.Hint = inner.What, inner.Cause, inner.Detail, cmp.Or(inner.Hint, e.Hint)
	}
	if cause != nil {
		e.Detail = append([]string{fmt.Sprintf("the run ended because: %v", cause)}, e.Detail...)
	}
	return e
}

// ours returns the error about drivers that still run load of the run: other submitters' commands kept preventing their
// stop.
func (p *Plan) ours(ids []string) error {
	return &clierr.Error{
		What: fmt.Sprintf("%s on %s that the other command does not target: %s",
			mayStillRun, verdict.Drivers(len(ids)), verdict.Some(ids)),
		Hint: p.howToStop(ids),
	}
}

// howToStop returns the command line that stops the drivers, by name if they are few.
func (p *Plan) howToStop(ids []string) string {
	const few = 10
	if len(ids) <= few {
		return "swarmcall stop --driver " + strings.Join(ids, " --driver ")
	}
	if t := p.Target; t != nil && len(t.Labels) > 0 {
		return remote.StopLine(p.Aim()) + " (this also stops the drivers of the other command that have the same label)"
	}
	return "swarmcall stop --driver ID for each driver in swarmcall state; or swarmcall stop, " +
		"which also stops the drivers of the other command"
}
