package webtest

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Alone is a node with an embedded log.
func Alone(drivers int) swarm.Node {
	return swarm.Node{
		NodeID: swarm.NodeID{Name: "local", Instance: "i-1"}, Version: "v1.0.0", Address: "192.0.2.9:8080", Self: true,
		Embedded: true, Alive: true, Drivers: drivers, Position: 16, StartedAt: Now.Add(-26 * time.Hour),
	}
}

// Nodes are six nodes of a cluster: the first one answers, and each of the others is in another condition.
func Nodes() []swarm.Node {
	n := func(name string, drivers int, lease time.Duration) swarm.Node {
		return swarm.Node{
			NodeID: swarm.NodeID{Name: name, Instance: "i-" + name}, Version: "v1.0.0", Address: "192.0.2.10:8080",
			Alive: lease > 0, Drivers: drivers, Position: 16, RosterAge: 400 * time.Millisecond, LeaseLeft: lease,
			StartedAt: Now.Add(-3 * time.Hour),
		}
	}
	self, draining, lagging := n("eu-1", 2100, 4600*time.Millisecond), n("eu-2", 340, 4*time.Second),
		n("eu-3", 1900, 4*time.Second)
	silent, lost, stopped := n("us-1", 2000, 900*time.Millisecond), n("us-2", 1200, 0), n("us-3", 0, 0)
	self.Self, self.RosterAge = true, 0
	draining.Draining, stopped.Draining = true, true
	lagging.Lag, silent.RosterAge = 2500, 4100*time.Millisecond
	lost.RosterAge, stopped.RosterAge = 31*time.Second, 12*time.Second
	return []swarm.Node{self, draining, lagging, silent, lost, stopped}
}
