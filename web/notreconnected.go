package web

import (
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// Past is the data kept from before this server started.
type Past struct {
	At      time.Time     // when it was saved; zero: there is no data
	Whole   bool          // it includes every driver that was known at At or had left shortly before
	Samples []view.Sample // points of the load chart, oldest first
}

// remembered is how many commands from before a start are used to find drivers with load.
const remembered = 5

// notBack lists the drivers that may still run their load from before this server started, and have not connected
// since.
func (u *UI) notBack(w view.World) []string {
	if w.Now.Sub(u.cfg.Started) > u.cfg.RunsOn {
		return nil
	}
	seen := make(map[string]bool, len(w.Drivers))
	for _, d := range w.Drivers {
		seen[d.ID] = true
	}
	former := sync.OnceValue(u.former) // rarely needed, and large
	var out []string
	left := remembered
	for _, e := range w.Recent {
		if e.Issued.Command.Slot() != command.LoadSlot || e.Issued.SubmittedAt.After(u.cfg.Started) || left == 0 {
			continue
		}
		left--
		for i, id := range e.Issued.Targets {
			if !seen[id] && mayRun(e, i) && !former().gone(id, e, w.Now) {
				out = append(out, id)
			}
			seen[id] = true
		}
	}
	slices.Sort(out)
	return out
}

// mayRun is false for a target that has acked 0 players.
func mayRun(e swarm.Entry, target int) bool {
	c := e.Issued.Command
	nothing := c.Type == command.Stop || c.Value == 0
	return !nothing || e.Closed == nil || e.Closed.Verdicts[target].Kind != swarm.Acked
}

// formers are the drivers that were connected before.
type formers struct {
	byID    map[string]swarm.Former
	past    Past
	started time.Time
	runsOn  time.Duration
}

func (u *UI) former() formers {
	f := formers{byID: map[string]swarm.Former{}, past: u.cfg.Past, started: u.cfg.Started, runsOn: u.cfg.RunsOn}
	for _, d := range u.cfg.Remembered() {
		f.byID[d.ID] = d
	}
	return f
}

// registering is the longest time between the submission of a command and the registration of a driver that became a
// target of it.
const registering = time.Second

// gone reports whether a target of e that is not connected cannot be running: it deregistered, or was lost so long ago
// that its lease has run out. A driver that was known until the end of the last process may have run since then.
func (f formers) gone(id string, e swarm.Entry, now time.Time) bool {
	d, known := f.byID[id]
	if !known { // complete data does not have it: it was forgotten before
		return f.past.Whole && e.Issued.SubmittedAt.Add(registering).Before(f.past.At)
	}
	if d.Deregistered {
		return true
	}
	at := d.At
	if !at.Before(f.past.At) && at.Before(f.started) {
		at = f.started // the saved time of a connected driver may be some seconds old
	}
	return now.Sub(at) > f.runsOn
}
