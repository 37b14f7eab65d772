package swarm

import (
	"cmp"
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
	Joined   time.Time // when it registered, by the clock of the node
	LostAt   time.Time // when its session ended; zero while it is open
	Retiring bool      // its session is about to end: it is no target

	AtRest      uint64 // it was at rest when it registered, and received no Stop of the server itself up to this seq; else 0
	HasReport   bool   // it has reported its state
	ReportedSeq uint64 // the newest command that the report counts for
	Refused     map[command.Slot]uint64
}

// Registration returns the registration that p describes. node is where the driver registered.
func (p Presence) Registration(node string) Registration {
	return Registration{Position: p.JoinedAt, At: p.Joined, Node: node, Session: p.Session}
}

// Registration orders the sessions of one driver id over all nodes: the driver belongs to the newest.
type Registration struct {
	Position uint64 // that the node's tail had reached
	At       time.Time
	Node     string // name of the node
	Session  string
}

// Newer reports whether r comes after other. Of two registrations one is newer, or they are the same.
func (r Registration) Newer(other Registration) bool {
	return cmp.Or(cmp.Compare(r.Position, other.Position), r.At.Compare(other.At), cmp.Compare(r.Node, other.Node),
		cmp.Compare(r.Session, other.Session)) > 0
}

// After returns r, if it is newer than other, else the same registration with the next time that makes it newer.
func (r Registration) After(other Registration) Registration {
	if r.Newer(other) {
		return r
	}
	r.Position = max(r.Position, other.Position)
	if !r.At.After(other.At) {
		r.At = other.At.Add(time.Microsecond)
	}
	return r
}

// Departure is a driver that its node does not know any more.
type Departure struct {
	DriverID, Session string
	JoinedAt          uint64    // of the session, as in Presence
	Joined            time.Time // likewise
	Labels            map[string]string
	At                time.Time // when it deregistered or moved; of a forgotten driver: when it was lost
	Deregistered      bool      // else it was forgotten, or it has moved to another node
}

// Registration returns the registration that ended.
func (d Departure) Registration(node string) Registration {
	return Registration{Position: d.JoinedAt, At: d.Joined, Node: node, Session: d.Session}
}

// RosterChanges are what has changed in a node's own drivers after revision From. Its receiver must have everything up
// to From, unless Whole says that Present are all drivers of the node. What has departed comes before what is present.
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
	Embedded  bool          // it has a log of its own: it is the only node, and needs no node lease
	Alive     bool          // its node lease is in force
	Draining  bool          // it is stopping, and its drivers move to other nodes
	Drivers   int           // connected to it
	Position  uint64        // that its tail has reached
	Lag       uint64        // records of the log that it has not read yet
	RosterAge time.Duration // since it last described its drivers; 0 for the node that answers
	LeaseLeft time.Duration // until its node lease expires
	StartedAt time.Time
}
