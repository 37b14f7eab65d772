package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Rounds is told what becomes of commands at the drivers, besides what Offer returns. It is called without a lock held.
type Rounds interface {
	// Ack takes a driver's answer; it reports the time since the hand-over and whether the answer made a difference.
	Ack(driverID string, seq uint64, reply swarm.Reply) (latency time.Duration, counted bool)

	// Disconnected tells that a driver's session ended, and no other session took its place: it answers no command up
	// to the seq upTo. What comes after that was not handed to this session.
	Disconnected(driverID string, reason swarm.Reason, upTo uint64)
}

// Requests takes what the policies ask to be written into the log. It is called without a lock held and must not block.
type Requests interface {
	// Reset asks for a reset record.
	Reset(cause string)

	// Resplit asks for a total to be split again, because of a change of some drivers: "lost", "joined".
	Resplit(seq uint64, change string, driverIDs []string)

	// Expire asks for load commands that no known driver has matched for a while to be replaced by Stops.
	Expire([]*swarm.Expired)
}
