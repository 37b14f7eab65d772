// Package viewtest turns the swarms of package webtest into the input of the views.
package viewtest

import (
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// World returns three active drivers, a stale and a lost one, and a command of each status.
func World() view.World {
	return Compare(view.World{Now: webtest.Now, Drivers: webtest.Drivers(), Recent: webtest.Entries()})
}

// Compare returns w with the server's answers about its drivers and entries. The answers come from a fold of the
// entries and of the withdrawals.
func Compare(w view.World) view.World {
	log := webtest.Records(w.Recent)
	for _, s := range w.Withdrawals {
		log[s.Position-1] = s.Record // in a gap between the entries
	}
	server := webtest.Server{Drivers: w.Drivers}
	server.Fold(1, log...)
	w.Drifts = map[string]swarm.Drift{}
	for _, d := range server.State().Drivers {
		w.Drifts[d.DriverID] = d
	}
	w.Progress = server.Progress
	w.Sparks, w.Events = func(string) []int64 { return nil }, func(string) []view.SessionEvent { return nil }
	if w.Reach == nil {
		w.Reach = func(swarm.Target) swarm.Reach { return swarm.Reach{} }
	}
	return w.Settled()
}

// SplitWorld returns a total that left two drivers out and after which a driver joined, a Stop that reached no driver,
// and a load command that has expired: d-6 connected with its label, and the server has set its target to 0.
func SplitWorld() view.World {
	w := view.World{
		Now: webtest.Now, Drivers: webtest.SplitDrivers(), Recent: webtest.SplitEntries(),
		Withdrawals: webtest.Withdrawals(),
	}
	w.Reach = func(swarm.Target) swarm.Reach {
		return swarm.Reach{InUse: swarm.InUse{Labels: map[string][]string{"zone": {"1", "2", "3", "4", "5", "6"}}}}
	}
	return Compare(w)
}
