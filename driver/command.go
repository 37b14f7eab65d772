package driver

import (
	"math"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// CommandType names a kind of command.
type CommandType string

// The kinds of commands.
const (
	SetPlayers    CommandType = "set_players"        // run Command.Players players
	SetSpawnDelay CommandType = "set_spawn_delay_ms" // wait Command.SpawnDelay between two spawns
	Stop          CommandType = "stop"               // go to zero players now, cancel any ramp, stay connected
)

var commandTypes = []CommandType{SetPlayers, SetSpawnDelay, Stop}

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
	Origin       Origin
	Seq          uint64 // place in the server's log; commands come in this order, but for desired ones; 0: not from the server
	Type         CommandType
	Players      int64         // of SetPlayers: how many players this driver is to run, 0 or more
	SpawnDelayMS int64         // of SetSpawnDelay: milliseconds, 0 or more
	Note         string        // the submitter's words for people, may be empty
	Deadline     time.Duration // how long the server waits for the answer, from when it sent the command; 0: it does not
	Desired      bool          // part of the state desired of the driver when it registered, not fresh
}

// SpawnDelay returns SpawnDelayMS as a duration.
func (c Command) SpawnDelay() time.Duration { return milliseconds(c.SpawnDelayMS) }

// State is what a driver says of itself.
type State struct {
	Players      int64 // players that run now
	SpawnDelayMS int64 // milliseconds between two spawns
	Running      bool  // whether the driver generates load
}

// after returns s as it is once c has been applied.
func (s State) after(c Command) State {
	switch c.Type {
	case SetPlayers:
		s.Players, s.Running = c.Players, c.Players > 0
	case SetSpawnDelay:
		s.SpawnDelayMS = c.SpawnDelayMS
	case Stop:
		s.Players, s.Running = 0, false
	}
	return s
}

// slot is the part of the desired state that a command sets.
type slot int

// SetPlayers and Stop share a slot: the newer of them is what counts.
const (
	noSlot slot = iota - 1 // of a command type this SDK does not know
	playersSlot
	spawnDelaySlot
	slots
)

func (t CommandType) slot() slot {
	switch t {
	case SetPlayers, Stop:
		return playersSlot
	case SetSpawnDelay:
		return spawnDelaySlot
	default:
		return noSlot
	}
}

// fromWire reads a command out of a frame. The rejection is not nil when no handler could make sense of it.
func fromWire(seq uint64, w wire.Command) (Command, *Rejection) {
	c := Command{Seq: seq, Type: CommandType(w.Type), Note: w.Note}
	var value *int64
	switch c.Type {
	case SetPlayers:
		value = w.Players
	case SetSpawnDelay:
		value = w.SpawnDelayMS
	case Stop:
		return c, nil
	default:
		return c, unsupported(c.Type)
	}
	if value == nil || *value < 0 {
		return c, &Rejection{Code: codeInvalid, Detail: w.Type + " needs a value of 0 or more"}
	}
	if c.Type == SetPlayers {
		c.Players = *value
	} else {
		c.SpawnDelayMS = *value
	}
	return c, nil
}

// milliseconds makes a duration of n, which comes from outside: 0 when negative, the longest there is when too long.
func milliseconds(n int64) time.Duration {
	return time.Duration(min(max(n, 0), math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}
