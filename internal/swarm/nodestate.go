package swarm

import "time"

// SilentAfter is the age above which the roster of a living node is too old to choose drivers by.
const SilentAfter = 3 * time.Second

// LagsFrom is how many records of the log a node may not have read yet before that deserves attention. Fewer are usual
// while many commands are issued: the figure is that of a moment.
const LagsFrom = 1000

// NodeState is the state of a node in one word.
type NodeState string

// The states of a node.
const (
	NodeAlive    NodeState = "alive"
	NodeDraining NodeState = "draining" // it is stopping
	NodeStopped  NodeState = "stopped"  // it was draining when its node lease ended
	NodeLost     NodeState = "lost"     // its node lease has ended otherwise
)

// NodeStates returns all states, the usual one first.
func NodeStates() []NodeState { return []NodeState{NodeAlive, NodeDraining, NodeStopped, NodeLost} }

// State returns the state of n.
func (n Node) State() NodeState {
	switch {
	case n.Alive && n.Draining:
		return NodeDraining
	case n.Alive:
		return NodeAlive
	case n.Draining:
		return NodeStopped
	}
	return NodeLost
}

// Silent reports whether n is alive, but has not described its drivers for too long.
func (n Node) Silent() bool { return n.Alive && !n.Self && n.RosterAge > SilentAfter }

// Lagging reports whether n is alive and far behind the end of the log.
func (n Node) Lagging() bool { return n.Alive && n.Lag >= LagsFrom }
