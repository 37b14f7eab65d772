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

// loaded are the drivers that may run load of entries, one after the other: those that acked it, and those that were
// sent it and did not answer.
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

// stopping is the end of a run: its stops, and the drivers that they have to reach.
type stopping struct {
	stops  []remote.Entry
	away   bool            // the server was: it may have forgotten drivers that run on
	loaded map[string]bool // drivers that may run load of this run
}

// unreached are the drivers that a stop has not reached: the first of them as people read it, and how many there are.
type unreached struct {
	ids, texts []string
	n          int
}

// look finds the drivers that have not applied the stops, as these are by now. Of those that the server does not know
// any more it is to be asked whether they have deregistered: else the server was away and has forgotten them.
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

// forgotten adds those of the unknown drivers that have not deregistered.
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

// err names the drivers that have not applied the stop.
func (u unreached) err() error {
	end := "was not reached; the server stops it when it reconnects"
	if u.n > 1 {
		end = "were not reached; the server stops them when they reconnect"
	}
	return &clierr.Error{
		Code:   clierr.Missing,
		What:   fmt.Sprintf("%s: %s %s", loud, verdict.SomeOf(u.texts, u.n), end),
		Detail: u.texts[:min(len(u.texts), 10)],
	}
}

// meant is how many drivers the stops are for.
func (s *stopping) meant() int {
	ids := maps.Clone(s.loaded)
	for _, stop := range s.stops {
		maps.Copy(ids, remote.MeantFor(stop))
	}
	return len(ids)
}

// yielding is the end of a run of which somebody else commands drivers: only those that still have its load are
// stopped.
type yielding struct {
	condition int64           // of each stop: that nothing newer concerns its drivers
	ours      []string        // drivers that have load of this run and are not sent a stop
	others    []string        // drivers of this run that somebody else commands
	stopped   map[string]bool // drivers that were sent a stop
	stops     []remote.Entry
}

// sort finds for which drivers commands of this run hold, and for which somebody else's do.
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

const loud = "THE LOAD MAY STILL BE RUNNING"

// stopped adds to an interruption that the load is off: nobody should have to look.
func stopped(cause error, sentence string) error {
	e, ok := errors.AsType[*clierr.Error](cause)
	if !ok || e.Code != clierr.Interrupted {
		return cause
	}
	return &clierr.Error{
		Code: clierr.Interrupted, What: "interrupted; the load is stopped", Cause: errors.New(sentence),
	}
}

// notStopped says loudly that the load may be on. The exit code stays that of the first failure.
func (p *Plan) notStopped(cause, err error) error {
	e := &clierr.Error{
		Code: clierr.CodeOf(err), What: loud + ": the stop was not acked by all", Cause: err,
		Hint: "list the drivers: swarmcall drivers list; stop it: " + remote.StopLine(p.Aim(), "--yes") +
			"\ndisconnected drivers stop when they reconnect, or when their lease ends",
	}
	if inner, ok := errors.AsType[*clierr.Error](err); ok {
		e.Detail = inner.Detail
	}
	if cause != nil {
		e.Code = clierr.CodeOf(cause)
	}
	return loudly(e, cause, err)
}

// stillOurs is the error when load of the run may still be on beside somebody else's: that is what the exit code must
// tell.
func stillOurs(cause, err error) error {
	return loudly(&clierr.Error{
		Code: clierr.Missing, What: loud + " on drivers that the other command does not target", Cause: err,
		Hint: "list them: swarmcall state; stop them: swarmcall stop --driver ID",
	}, cause, err)
}

// loudly adds why the run ended, and says what err says where that names the drivers.
func loudly(e *clierr.Error, cause, err error) error {
	if inner, ok := errors.AsType[*clierr.Error](err); ok && strings.HasPrefix(inner.What, loud) {
		e.What, e.Cause, e.Detail, e.Hint = inner.What, inner.Cause, inner.Detail, cmp.Or(inner.Hint, e.Hint)
	}
	if cause != nil {
		e.Detail = append([]string{fmt.Sprintf("the run ended because: %v", cause)}, e.Detail...)
	}
	return e
}

// ours is the error about drivers that have load of the run, and that others were always faster to command.
func (p *Plan) ours(ids []string) error {
	return &clierr.Error{
		What: fmt.Sprintf("%s on %s that the other command does not target: %s",
			loud, verdict.Drivers(len(ids)), verdict.Some(ids)),
		Hint: p.howToStop(ids),
	}
}

// howToStop is the command line that stops the drivers: by name while they are few.
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
