package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

const (
	silentMS = 3000 // without a roster, from which on the other nodes refuse commands
	muchLag  = 1000 // records that a node has not read, which it does in much less than a second
)

// nodes checks the nodes of a cluster. A server of an earlier version does not list any, and one whose log is embedded
// is alone.
func (x *examination) nodes(ctx context.Context, server *remote.Client) {
	all, err := server.NodeStates(ctx)
	if remote.IsRefused(err, api.NotFound) {
		return
	}
	if err != nil {
		x.note("nodes", err, "")
		return
	}
	if len(all) == 0 || len(all) == 1 && all[0].LeaseLeftMS == nil {
		return
	}
	alive, versions := 0, map[string][]string{}
	for _, n := range all {
		if n.Alive {
			alive++
			versions[n.Version] = append(versions[n.Version], n.Name)
		}
		x.node(n)
	}
	x.note("nodes", nil, "%d alive of %d", alive, len(all))
	if len(versions) > 1 {
		var list []string
		for version, names := range versions {
			slices.Sort(names)
			list = append(list, fmt.Sprintf("%s: %s", strings.Join(names, ", "), version))
		}
		slices.Sort(list)
		x.warn("nodes", "upgrade the older ones, unless an upgrade is under way", "they have different versions: %s",
			strings.Join(list, "; "))
	}
}

// node checks one node.
func (x *examination) node(n remote.NodeState) {
	switch {
	case !n.Alive && n.Draining: // it was stopped
	case !n.Alive:
		x.warn("nodes", "start it again, or look at its log; the other nodes work on", "%s is lost: its node lease has ended",
			n.Name)
	case !n.Self && n.RosterAgeMS > silentMS:
		x.note("nodes", &clierr.Error{
			Code: clierr.Unreachable,
			What: fmt.Sprintf("%s is silent: it has not described its drivers for %.1f s, so commands other than Stop are "+
				"refused", n.Name, float64(n.RosterAgeMS)/1000),
			Hint: "look at its log and its connection to NATS; if it hangs, end it",
		}, "")
	case n.Lag > muchLag:
		x.warn("nodes", "look at its CPU and its connection to NATS", "%s is %d records behind the log", n.Name, n.Lag)
	}
}
