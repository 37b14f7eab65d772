// Package viewtest makes the worlds of package webtest into what the views are made from.
package viewtest

import (
	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// World is three active drivers, a stale and a lost one, and a command of each status.
func World() view.World {
	return Compare(view.World{Now: webtest.Now, Drivers: webtest.Drivers(), Recent: webtest.Entries()})
}

// Compare is w with the server's answers about its drivers and entries.
func Compare(w view.World) view.World {
	w.Drifts = webtest.Drifts(w.Drivers, w.Recent)
	w.Progress = func(e swarm.Entry) swarm.Progress { return webtest.Progress(w.Drivers, w.Recent, e) }
	return w.Settled()
}

// SplitWorld is a total that left two drivers out and that one came after, a Stop that reached no driver, and a load
// command that has expired: d-6 came with its label, and is told by the server to run nothing.
func SplitWorld() view.World {
	w := view.World{
		Now: webtest.Now, Drivers: webtest.SplitDrivers(), Recent: webtest.SplitEntries(), Withdrawals: webtest.Withdrawals(),
	}
	w.Reach = func(swarm.Target) swarm.Reach {
		return swarm.Reach{InUse: swarm.InUse{Labels: map[string][]string{"zone": {"1", "2", "3", "4", "5", "6"}}}}
	}
	w = Compare(w)
	w.Drifts["d-5"] = outsideSplit(w.Drifts["d-5"])
	w.Drifts["d-6"] = withdrawn(w.Drifts["d-6"])
	return w.Settled()
}

func outsideSplit(d swarm.Drift) swarm.Drift {
	d.OutsideSplit = true
	return d
}

func withdrawn(d swarm.Drift) swarm.Drift {
	d.Desired = []swarm.Wanted{{Seq: 15, Command: swarm.Command{Type: command.Stop}, Reset: true}}
	return webtest.Compared(d)
}
