package cluster

import (
	"slices"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Holds reports whether this node holds its own lease. It counts by the monotonic clock, so a process that was paused
// for longer than its lease finds that out before it does anything else. After a loss it stays false until OnLeaseLost
// has returned and the lease is renewed.
func (c *Cluster) Holds() bool { return c.leases.hold.holds() }

// Alive returns the nodes that are alive, sorted by name. This node is among them while it holds its lease. While NATS
// is away the others stay as they were.
func (c *Cluster) Alive() []swarm.NodeID { return c.leases.alive() }

// Leads reports whether this node is the first of the living ones, so that work which one node should do is not done
// twice. Two nodes may think so at the same time: never use it for safety.
func (c *Cluster) Leads() bool {
	alive := c.Alive()
	return len(alive) > 0 && alive[0] == c.cfg.Self && c.Holds()
}

// RecordFormat returns the newest version of the records' format that every living node reads.
func (c *Cluster) RecordFormat() int {
	format := c.cfg.Format
	for _, s := range c.leases.sightings() {
		if s.gone.IsZero() && s.value.Format > 0 { // what cannot be read is of a newer node
			format = min(format, s.value.Format)
		}
	}
	return format
}

// Nodes returns all nodes that are alive or were lost within a minute, sorted by name.
func (c *Cluster) Nodes(now time.Time) []swarm.Node {
	status := c.cfg.Status()
	nodes := []swarm.Node{{
		NodeID: c.cfg.Self, Version: c.cfg.Version, Address: c.cfg.Address, Self: true, Alive: c.Holds(),
		Draining: status.Draining, Drivers: status.Drivers, Position: status.Position, Lag: status.Lag,
		LeaseLeft: c.leases.hold.left(), StartedAt: c.cfg.Started,
	}}
	for _, s := range c.leases.sightings() {
		n := swarm.Node{
			NodeID: s.id(), Version: s.value.Version, Address: s.value.Address, Alive: s.gone.IsZero(),
			Draining: s.value.Draining, Drivers: s.value.Drivers, Position: s.value.Position,
			StartedAt: moment(s.value.Started), RosterAge: max(0, now.Sub(s.renewed)), // of a lost node at least that
		}
		if n.Alive {
			n.LeaseLeft = max(0, c.cfg.timing.lease-now.Sub(s.renewed))
		}
		if v, ok := c.rosters.view(s.id()); ok {
			n.RosterAge = max(0, now.Sub(v.current))
			if v.heard {
				n.Position, n.Lag, n.Drivers, n.Draining = v.digest.Position, v.digest.Lag, v.digest.Drivers,
					v.digest.Draining
			}
		}
		nodes = append(nodes, n)
	}
	slices.SortFunc(nodes, func(a, b swarm.Node) int { return strings.Compare(a.Name, b.Name) })
	return nodes
}

// alive returns the nodes that are alive, sorted by name.
func (l *leases) alive() []swarm.NodeID {
	l.mu.Lock()
	ids := l.tracker.alive()
	l.mu.Unlock()
	if l.hold.holds() {
		ids = append(ids, l.cfg.Self)
		slices.SortFunc(ids, byName)
	}
	return ids
}

func (l *leases) sightings() (all []sighting) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.tracker.nodes {
		all = append(all, *s)
	}
	return all
}
