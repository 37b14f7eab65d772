package drivers

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Lost-lease policies that drivers receive.
const (
	OnLeaseLostStop = "stop"
	OnLeaseLostHold = "hold"
)

// Resplit says when a total is split again.
type Resplit string

// When a total is split again: never; when drivers with a share are lost for good; or also when drivers join that have
// no share.
const (
	ResplitOff      Resplit = "off"
	ResplitOnLoss   Resplit = "on-loss"
	ResplitOnChange Resplit = "on-change"
)

// Config is what a Registry needs. It is never changed. Durations must be positive.
type Config struct {
	HeartbeatInterval time.Duration // the initial interval that drivers receive
	StaleAfter        time.Duration // heartbeat age from which a driver is stale; over HeartbeatInterval
	// the minimum time for which a lost driver is known, and for which load that no known driver matches holds
	ForgetAfter time.Duration
	LeaseTTL    time.Duration // how long a driver continues without a message from the server
	OnLeaseLost string        // what it does then: OnLeaseLostStop or OnLeaseLostHold
	Resplit     Resplit       // when to ask for totals to be split again; "" for ResplitOff
	Logger      *slog.Logger  // nil: nothing is logged

	// Standing returns what has become of a principal since its handshake. It is called without a lock held, about
	// once a second for each distinct principal that has a session. nil: every principal stays valid.
	Standing func(swarm.Principal) swarm.Standing

	FramesPerSecond int // that one session may send; answers to commands do not count; 0: no limit
	FrameBurst      int // how many frames it may send at once; positive if FramesPerSecond is
	MaxDrivers      int // known drivers, connected or lost, from which on no new id may register; 0: no limit

	Meter Meter // counts what happens at the connections; nil: nothing is counted

	// OnRefused is called when a driver is refused, or its session is closed, because of who it is or how often it
	// sends. No lock is held. It must not block. If nil, nothing is done.
	OnRefused func(Refused)

	// OnLogShortened is called when drivers register that have applied more than the log holds: entries were lost. No
	// lock is held. It may block, and may give the log a new id by SetLogID, which the driver then receives. If nil,
	// nothing is done. With Shared the driver is refused, and an operator decides what happens to the log.
	OnLogShortened func(driverID, logID string, appliedSeq uint64)

	Past Past

	Node   swarm.NodeID // of this process; only needed with Shared
	Shared bool         // other nodes append to the same log and have drivers of their own

	// Leads reports whether this node requests what all nodes see alike: new splits, expiries, and the reset after a
	// time without drivers. It is called without a lock held. nil: it does.
	Leads func() bool

	// CaughtUp waits until this registry was offered everything up to the present end of the log. It is called without
	// a lock held, with a context that ends soon. nil: that is always so.
	CaughtUp func(context.Context) error
}

// Meter counts what happens at the connections of drivers. Its methods must not block.
type Meter interface {
	Received(frameType string)    // a frame of a driver; "" for one without a type
	Sent(frameType string, n int) // frames to a driver
	Connected(outcome string)     // one of the connection outcomes
	Disconnected(reason string)   // a registered session: a swarm.Reason, or one of the ends
}

// How a connection of a driver begins, as a Meter counts it.
const (
	ConnectionRegistered   = "registered"
	ConnectionUnregistered = "unregistered" // it ended before it had registered
	ConnectionRefused      = "refused"      // the handshake
)

// Ends of sessions, as a Meter counts them, besides those of swarm.Reason.
const (
	EndDeregistered = "deregistered"
	EndSuperseded   = "superseded" // another session took over the driver id
)

// unmetered is the Meter of a Registry without one.
type unmetered struct{}

func (unmetered) Received(string)     {}
func (unmetered) Sent(string, int)    {}
func (unmetered) Connected(string)    {}
func (unmetered) Disconnected(string) {}

// Refused is a driver that was refused.
type Refused struct {
	Principal  swarm.Principal
	DriverID   string // "" before it has registered
	RemoteAddr string
	Code       swarm.Code // the code of the same meaning over HTTP
	Detail     string
}

// Past is the initial state of a Registry, which owns all of it from then on.
type Past struct {
	Drivers []swarm.Former // that the previous process knew
	LogID   string         // of the log, as drivers receive it
	Desired *swarm.Desired // fold of the log so far; nil for an empty one
	LastSeq uint64         // position of the log's last record
}

func (c *Config) validate() error {
	var errs []error
	for _, d := range []struct {
		name string
		v    time.Duration
	}{
		{"heartbeat interval", c.HeartbeatInterval}, {"stale-after", c.StaleAfter}, {"forget-after", c.ForgetAfter},
		{"lease TTL", c.LeaseTTL},
	} {
		if d.v <= 0 {
			errs = append(errs, errors.New(d.name+" must be positive"))
		}
	}
	if c.StaleAfter <= c.HeartbeatInterval {
		errs = append(errs, errors.New("stale-after must be greater than the heartbeat interval"))
	}
	if c.OnLeaseLost != OnLeaseLostStop && c.OnLeaseLost != OnLeaseLostHold {
		errs = append(errs, errors.New("on-lease-lost must be stop or hold"))
	}
	if c.Shared && c.Node.Name == "" {
		errs = append(errs, errors.New("with a shared log the node needs a name"))
	}
	if c.FramesPerSecond < 0 || c.FramesPerSecond > 0 && c.FrameBurst < 1 || c.MaxDrivers < 0 {
		errs = append(errs, errors.New("the limits of frames and drivers must not be negative, and frames per second "+
			"need a positive burst"))
	}
	switch c.Resplit {
	case "", ResplitOff, ResplitOnLoss, ResplitOnChange:
	default:
		errs = append(errs, errors.New("resplit must be off, on-loss or on-change"))
	}
	return errors.Join(errs...)
}

// knownFor is how long a driver is known after its session was lost: while its lease has not expired, it may be running
// load.
func (c *Config) knownFor() time.Duration { return max(c.ForgetAfter, c.LeaseTTL) }
