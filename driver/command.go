package driver

import (
	"math"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// CommandType is the type of a command.
type CommandType = command.Type

// The command types.
const (
	SetPlayers    = command.SetPlayers    // run Command.Players players
	SetSpawnDelay = command.SetSpawnDelay // wait Command.SpawnDelay between two spawns, per driver
	Stop          = command.Stop          // go to zero players now, cancel any ramp, stay connected
)

// State is the state that a driver reports.
type State = command.State

// Origin is the source of a command.
type Origin int

// The origins. Only Stop comes from origins other than the server, and then regardless of the capabilities.
const (
	FromServer    Origin = iota
	FromLease            // no frame from the server for Session.LeaseTTL, and the load must not run without control
	FromLocalStop        // Config.LocalStop was engaged
)

// Command is one command for this driver. Values are absolute: applying a command twice has the same effect as once.
type Command struct {
	Origin Origin
	// position in the server's log. Commands arrive in this order, except desired ones; 0: not from the server
	Seq          uint64
	Type         CommandType
	Players      int64  // of SetPlayers: how many players this driver is to run, 0 or more
	SpawnDelayMS int64  // of SetSpawnDelay: milliseconds between two spawns, per driver, 0 or more
	Note         string // the submitter's note for people, may be empty
	// how long the server waits for the answer, counted from when it sent the command; 0: it does not wait
	Deadline time.Duration
	Desired  bool // part of the driver's desired state at its register, not a new command
	// The command's place in a distributed trace, as the header traceparent of W3C Trace Context; "" if the command is
	// in no trace, or Desired. A span of the driver should have it as its parent.
	Traceparent string
}

// SpawnDelay returns SpawnDelayMS as a duration.
func (c Command) SpawnDelay() time.Duration { return milliseconds(c.SpawnDelayMS) }

// value returns the field that holds the value of c's type; nil for a type without one.
func (c *Command) value() *int64 {
	switch c.Type {
	case SetPlayers:
		return &c.Players
	case SetSpawnDelay:
		return &c.SpawnDelayMS
	case Stop:
	}
	return nil
}

// Command returns c without the fields that concern only this driver.
func (c Command) Command() command.Command {
	out := command.Command{Type: c.Type, Note: c.Note}
	if v := c.value(); v != nil {
		out.Value = *v
	}
	return out
}

// fromWire reads a command from a frame. The rejection is not nil if the command is invalid for any handler.
func fromWire(seq uint64, w wire.Command) (Command, *Rejection) {
	c := Command{Seq: seq, Type: CommandType(w.Type), Note: w.Note}
	if !c.Type.Known() {
		return c, unsupported(c.Type)
	}
	v, ok := w.Value()
	if !ok || v < 0 {
		return c, &Rejection{Code: codeInvalid, Detail: w.Type + " needs a value of 0 or more"}
	}
	if to := c.value(); to != nil {
		*to = v
	}
	return c, nil
}

// milliseconds converts n from outside to a duration: 0 if negative, the maximum if too long.
func milliseconds(n int64) time.Duration {
	return time.Duration(min(max(n, 0), math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}
