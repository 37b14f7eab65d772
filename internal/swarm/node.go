package swarm

import (
	"time"

	"github.com/swarmcall/swarmcall/command"
)

// NodeID is one process of a node. A node that starts again has a new instance.
type NodeID struct{ Name, Instance string }

// Presence is a driver as the node that it registered with describes it to the other nodes.
type Presence struct {
	Driver // HeartbeatAge counts from the moment when this was made

	Session  string    // of the registration that this is about
	Instance string    // of the driver's process, as it registered; "" for none
	Owner    string    // name of the principal that the driver id belongs to; "" for none
	JoinedAt uint64    // position that the node's tail had reached when the driver registered
	Joined   time.Time // when it registered, by the clock of the node; see Newer
	LostAt   time.Time // when its session ended; zero while it is open
	Retiring bool      // its session is about to end: it is no target

	AtRest      uint64 // it was at rest when it registered, and received no Stop of the server itself up to this seq; else 0
	HasReport   bool   // it has reported its state
	ReportedSeq uint64 // the newest command that the report counts for
	Refused     map[command.Slot]uint64
}

// Departure is a driver that its node does not know any more.
type Departure struct {
	DriverID, Session string
	Labels            map[string]string
	At                time.Time
	Deregistered      bool // else it was forgotten, or it has moved to another node
}

// RosterChanges are what has changed in a node's own drivers after revision From. Its receiver must have everything up
// to From, unless Whole says that Present are all drivers of the node.
type RosterChanges struct {
	From, To uint64
	Whole    bool
	Present  []Presence
	Departed []Departure
}

// NodeVerdict is the verdict of a driver, on its way from the driver's node to the node that owns the round.
type NodeVerdict struct {
	Seq      uint64
	DriverID string
	Verdict  Verdict
}

// Node is the public view of a node.
type Node struct {
	NodeID
	Version   string
	Address   string        // where the node listens, as it sees itself
	Self      bool          // it is the node that answers
	Alive     bool          // its node lease is in force
	Draining  bool          // it is stopping, and its drivers move to other nodes
	Drivers   int           // connected to it
	Position  uint64        // that its tail has reached
	Lag       uint64        // records of the log that it has not read yet
	RosterAge time.Duration // since it last described its drivers; 0 for the node that answers
	LeaseLeft time.Duration // until its node lease expires
	StartedAt time.Time
}
