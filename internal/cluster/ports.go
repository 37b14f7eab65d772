package cluster

import (
	"context"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Drivers gives access to this node's own drivers, and receives those of the others. Calls of ApplyRoster, NodeLost and
// SetSilent come from one goroutine.
type Drivers interface {
	// Changes returns what has changed in this node's own drivers after a revision. For revision 0 it returns all of
	// them, with Whole; it may do so for any revision. HeartbeatAge counts from the call.
	Changes(after uint64) swarm.RosterChanges

	// Changed has a value when drivers have joined, were lost or have left since it was last received. Reports of
	// drivers give none.
	Changed() <-chan struct{}

	// ApplyRoster takes changes of another node's drivers. From is the revision that was applied before. The first
	// changes of a node, and those after NodeLost, have Whole. A driver that has departed is gone even if Session is not
	// the one that the receiver knows, unless it is also among Present: it may have had several sessions meanwhile. The
	// receiver must not change maps and slices.
	ApplyRoster(node swarm.NodeID, c swarm.RosterChanges)

	// NodeLost says that a node's lease has expired, or that its name has another instance now.
	NodeLost(node swarm.NodeID)

	// SetSilent names, in order, the living nodes whose roster is older than 3 s. With complete every living node has
	// described its drivers. It is called when that changes; until the first call nothing is known.
	SetSilent(names []string, complete bool)
}

// Rounds own the commands of this node. Calls come from several goroutines.
type Rounds interface {
	// Verdicts takes verdicts of drivers of another node. It returns the seqs that this node cannot take yet, because
	// it does not know them or does not own them: they are sent again. A seq whose outcome is in the log must not be
	// among them. The same verdict may come twice.
	Verdicts(from swarm.NodeID, verdicts []swarm.NodeVerdict) (notYet []uint64)

	// Settle waits until nothing is being decided any more that began before the call, and returns the end of the log
	// that this node knows then.
	Settle(ctx context.Context) (position uint64, err error)

	// NodesAlive names the nodes that are alive, this one among them, sorted by name. It is called when they have been
	// read: about once a second, and not while NATS is away or this node does not hold its own lease.
	NodesAlive(alive []swarm.NodeID)
}
