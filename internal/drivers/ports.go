package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Rounds receives the events of commands at the drivers, besides the results of Offer. It is called without a lock
// held.
type Rounds interface {
	// Ack handles a driver's answer. It reports the time since the command was offered, and whether the answer counted.
	Ack(driverID string, seq uint64, reply swarm.Reply) (latency time.Duration, counted bool)

	// Disconnected reports that a driver's session ended and no other session replaced it: it answers no command up to
	// the seq upTo. Later commands were not offered to this session.
	Disconnected(driverID string, reason swarm.Reason, upTo uint64)
}

// Requests receives what the policies want written into the log. It is called without a lock held and must not block.
type Requests interface {
	// Reset requests a reset record.
	Reset(cause string)

	// Resplit requests that a total is split again, because of a change of some drivers: "lost", "joined".
	Resplit(seq uint64, change string, driverIDs []string)

	// Expire requests that Stops replace load commands that no known driver has matched for a while.
	Expire([]*swarm.Expired)
}
