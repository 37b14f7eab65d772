package driver

import (
	"math"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// CommandType names a kind of command.
type CommandType = command.Type

// The kinds of commands.
const (
	SetPlayers    = command.SetPlayers    // run Command.Players players
	SetSpawnDelay = command.SetSpawnDelay // wait Command.SpawnDelay between two spawns
	Stop          = command.Stop          // go to zero players now, cancel any ramp, stay connected
)

// State is what a driver says of itself.
type State = command.State

// Origin says who wants a command.
type Origin int

// The origins. Stop alone comes from others than the server, and then whatever the capabilities are.
const (
	FromServer    Origin = iota
	FromLease            // the server has not been heard for Session.LeaseTTL, and wants no load without control
	FromLocalStop        // Config.LocalStop was engaged
)

// Command is one command for this driver. Values are absolute: to apply a command twice is to apply it once.
type Command struct {
	Origin Origin
	// place in the server's log; commands come in this order, but for desired ones; 0: not from the server
	Seq          uint64
	Type         CommandType
	Players      int64  // of SetPlayers: how many players this driver is to run, 0 or more
	SpawnDelayMS int64  // of SetSpawnDelay: milliseconds, 0 or more
	Note         string // the submitter's words for people, may be empty
	// how long the server waits for the answer, from when it sent the command; 0: it does not
	Deadline time.Duration
	Desired  bool // part of the state desired of the driver when it registered, not fresh
}

// SpawnDelay returns SpawnDelayMS as a duration.
func (c Command) SpawnDelay() time.Duration { return milliseconds(c.SpawnDelayMS) }

// value is the field that the value of c's type stands in; nil for a type without one.
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

// Command returns c without what concerns this driver alone.
func (c Command) Command() command.Command {
	out := command.Command{Type: c.Type, Note: c.Note}
	if v := c.value(); v != nil {
		out.Value = *v
	}
	return out
}

// fromWire reads a command out of a frame. The rejection is not nil when no handler could make sense of it.
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

// milliseconds makes a duration of n, which comes from outside: 0 when negative, the longest there is when too long.
func milliseconds(n int64) time.Duration {
	return time.Duration(min(max(n, 0), math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}
