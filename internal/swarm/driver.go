package swarm

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/command"
)

// DriverState says whether a driver is connected and responding.
type DriverState string

// The states of a driver.
const (
	Active       DriverState = "active"       // registered, last heartbeat younger than stale_after
	Stale        DriverState = "stale"        // session open, heartbeats late; only a heartbeat ends it
	Disconnected DriverState = "disconnected" // session lost without deregister
)

// DriverStates lists every state in the order documents show them.
func DriverStates() []DriverState { return []DriverState{Active, Stale, Disconnected} }

// Driver is the public view of one known driver.
type Driver struct {
	ID           string
	State        DriverState
	Unresponsive bool // missed the last MissesToFlag deadlines without an answer since; it still receives every command
	Labels       map[string]string
	Version      string
	Capabilities []string // empty: all commands
	ConnectedAt  time.Time
	RemoteAddr   string
	HeartbeatAge time.Duration
	RTT          time.Duration // of the last ping; 0 until the first ping is answered
	AppliedSeq   uint64
	LastAck      *LastAck
	Reported     Report
	Metrics      map[string]float64
	// before this session, its driver lease expired, and it followed on_lease_lost
	LeaseLost bool
	Share     Share // its share of a total

	Conflict *Conflict // several processes take over the id from each other; nil for none
}

// Conflict describes several processes that use one driver id: each ends the other's session.
type Conflict struct {
	RemoteAddrs [2]string // of the session that ended last and of its replacement
	Takeovers   int       // since the conflict began
}

// RosterQuery selects drivers; the counts of a Roster cover all drivers.
type RosterQuery struct {
	After  string // only drivers with a higher id
	State  DriverState
	Labels map[string]string
	None   bool // no driver: the labels contradict each other
	Limit  int  // 0 for no limit
}

// Roster is a page of drivers, by id.
type Roster struct {
	Drivers                     []Driver
	More                        bool // the query matches more drivers after these
	Active, Stale, Disconnected int
}

// Tally counts the known drivers and their players.
type Tally struct {
	Active, Stale, Disconnected int
	Unresponsive                int   // active drivers that missed their last deadlines without an answer since
	Target                      int64 // players that the known drivers are to run
	Actual                      int64 // players that active drivers report
}

// LastAck is the newest ack of a driver that counted.
type LastAck struct {
	Seq     uint64
	Latency time.Duration
}

// Member is what the dispatcher must know about a target before it issues a command.
type Member struct {
	DriverID     string
	Capabilities []string // empty: all commands
	Unresponsive bool     // a round does not wait for it, unless all its targets are unresponsive
	Share        Share    // its share of a total
	Lost         Reason   // why the driver cannot answer now: stale, disconnected or node_lost; "" for an active one
	Away         bool     // it is connected to another node
	Retires      bool     // its session is about to end; if members are chosen, it counts as disconnected
}

// TargetQuery selects the drivers of a command.
type TargetQuery struct {
	Target    Target
	Submitter string
	Condition *Condition // nil for none

	// Choose says that the active members become targets: a command is offered to them, if at all, before
	// dispatch.Delivery.Settled is called. A driver whose session is about to end counts as disconnected.
	Choose bool
}

// Targeted answers a TargetQuery.
type Targeted struct {
	Members []Member // known drivers that match, sorted by driver id: active and lost ones
	// known drivers that match and belong to another run, sorted: a newer load command of that run holds for them
	OtherRun []string
	Blocked  uint64 // place of the newest such command, 0 for none
	Awaited  bool   // a matching driver is known, or may still connect and has desired load

	// Incomplete says that there may be other members: some node has not described its drivers, or not lately.
	Incomplete bool
}

// Former is a driver that the server knew, and may have forgotten since.
type Former struct {
	ID           string
	Labels       map[string]string
	At           time.Time // when it was last connected
	Deregistered bool
	Owner        string // name of the principal that the driver id belongs to; "" for none
}

// MissesToFlag is how many verdicts in a row must be missing by deadline before a driver is called unresponsive.
const MissesToFlag = 3

// Supports reports whether the driver supports commands of type t.
func (s Member) Supports(t command.Type) bool { return command.Takes(s.Capabilities, t) }

// Issue is a durable command on its way to the drivers.
type Issue struct {
	Seq       uint64
	Submitter string
	Command   Command
	Target    Target
	Targets   []string   // ids whose verdict counts, sorted
	Split     []int64    // of a total: how many players each of Targets is to run
	Condition *Condition // nil for none
	Deadline  time.Duration

	Traceparent string // the trace that drivers continue; "" for none
	Foreign     bool   // another node issued it, and collects its verdicts
}

// CommandFor returns the command as one driver receives it: its own share of a total, 0 for a driver outside the split.
func (i Issue) CommandFor(driverID string) Command {
	c := i.Command
	if !c.Total {
		return c
	}
	c.Total, c.Value = false, 0
	if at, ok := slices.BinarySearch(i.Targets, driverID); ok && at < len(i.Split) {
		c.Value = i.Split[at]
	}
	return c
}
