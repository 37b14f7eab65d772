package swarm

import "unicode/utf8"

// CommandType names a member of the closed union of commands.
type CommandType string

// The commands there are.
const (
	SetPlayers    CommandType = "set_players"
	SetSpawnDelay CommandType = "set_spawn_delay_ms"
	Stop          CommandType = "stop"
)

// CommandTypes lists every command type, in the order documents show them.
func CommandTypes() []CommandType { return []CommandType{SetPlayers, SetSpawnDelay, Stop} }

// Limits on commands.
const (
	MaxPlayers      = 1_000_000_000     // per driver
	MaxPlayersTotal = 1_000_000_000_000 // over all targets
	MaxSpawnDelayMS = 86_400_000        // one day
	MaxNoteBytes    = 256
)

// Command is one member of the closed union. Values are absolute, so a command is idempotent by nature.
type Command struct {
	Type         CommandType
	Players      int64  // of SetPlayers: players per driver, 0 to MaxPlayers; with Total 0 to MaxPlayersTotal
	Total        bool   // of SetPlayers: Players is meant for all targets together, and split over them
	SpawnDelayMS int64  // of SetSpawnDelay: milliseconds between two spawns, 0 to MaxSpawnDelayMS
	Note         string // free text for people, at most MaxNoteBytes
}

// Slot is the part of a driver's desired state that a command sets.
type Slot int

// The two slots: SetPlayers and Stop share one, so the newer of them is what counts.
const (
	PlayersSlot Slot = iota
	SpawnDelaySlot
	slots
)

// Slot tells which part of the desired state c sets.
func (c Command) Slot() Slot {
	if c.Type == SetSpawnDelay {
		return SpawnDelaySlot
	}
	return PlayersSlot
}

// Supersedes tells whether c makes an older command that was not sent yet pointless. A Stop is superseded only by
// another Stop: a driver that is told to stop and then to run must have stopped in between.
func (c Command) Supersedes(older Command) bool {
	if c.Slot() != older.Slot() {
		return false
	}
	return c.Type == older.Type || c.Type == Stop
}

// Validate reports what is wrong with c, as field errors below pointer (a JSON pointer such as "/command").
func (c Command) Validate(pointer string) []FieldError {
	var bad []FieldError
	switch c.Type {
	case SetPlayers:
		if c.Total {
			bad = between(bad, pointer+"/players_total", c.Players, 0, MaxPlayersTotal)
		} else {
			bad = between(bad, pointer+"/players", c.Players, 0, MaxPlayers)
		}
	case SetSpawnDelay:
		bad = between(bad, pointer+"/spawn_delay_ms", c.SpawnDelayMS, 0, MaxSpawnDelayMS)
	case Stop:
	default:
		bad = append(bad, FieldError{pointer + "/type", "is not a command type; use set_players, set_spawn_delay_ms or stop"})
	}
	if len(c.Note) > MaxNoteBytes || !utf8.ValidString(c.Note) || hasControl(c.Note) {
		bad = append(bad, FieldError{pointer + "/note", "must be at most 256 bytes of UTF-8 without control characters"})
	}
	return bad
}
