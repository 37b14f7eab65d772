package command

import (
	"slices"
	"strconv"
)

// Type names a command type of the closed set.
type Type string

// The command types.
const (
	SetPlayers    Type = "set_players"
	SetSpawnDelay Type = "set_spawn_delay_ms"
	Stop          Type = "stop"
)

// MaxPlayers bounds the players of one driver, in commands and in the max_players that it registers.
const MaxPlayers = 1_000_000_000

// Slot is the part of a driver's desired state that a command sets. The newest command of a slot is the one that
// counts.
type Slot int

// The slots. Levels of load and Stop share one.
const (
	LoadSlot Slot = iota
	SpawnDelaySlot
	Slots // the number of slots
)

// Unit is what a value counts.
type Unit int

// The units.
const (
	Count        Unit = iota // of something
	Milliseconds             // written as a duration on the command line
)

// Row is the complete definition of one command type.
type Row struct {
	Type  Type
	Value string // JSON member of its value; "" for a command without one
	Total string // JSON member of a value for all targets together, which the server splits; "" if there is none
	Slot  Slot
	Level bool // a level of load: a value above 0 asks for load, and it ends every other level
	Unit  Unit

	Max      int64 // of the value, per driver
	MaxTotal int64 // of the total

	// Original says that a driver which lists no capabilities supports the command.
	Original bool
	// Format is the lowest version of the log format that supports the type.
	Format byte
	// Drift is the reason why a driver that reports another value is off target.
	Drift string

	Figure    string // a number with its unit, %s for the number: "%s ms"
	One, Many string // the value in words: "1 player", and with %s for the number "%s players"
	Verb      string // of the command line: "players set"
	Name      string // of what it sets
	Label     string // of the field of its form
	Button    string // of its form

	get    func(*Fields) (value, total *int64)
	set    func(f *Fields, value, total *int64)
	report func(*State) *int64
}

// table is the set of command types. Documents and pages show the types in this order.
var table = [...]Row{
	{
		Type: SetPlayers, Value: "players", Total: "players_total", Slot: LoadSlot, Level: true, Unit: Count,
		Max: MaxPlayers, MaxTotal: 1_000_000_000_000, Original: true, Format: 1, Drift: "players",
		Figure: "%s", One: "1 player", Many: "%s players", Verb: "players set", Name: "Players", Label: "Players",
		Button: "Set players",
		get:    func(f *Fields) (value, total *int64) { return f.Players, f.PlayersTotal },
		set:    func(f *Fields, value, total *int64) { f.Players, f.PlayersTotal = value, total },
		report: func(s *State) *int64 { return &s.Players },
	},
	{
		Type: SetSpawnDelay, Value: "spawn_delay_ms", Slot: SpawnDelaySlot, Unit: Milliseconds,
		Max: 86_400_000, Original: true, Format: 1, Drift: "spawn_delay_ms", // at most one day
		Figure: "%s ms", One: "spawn delay 1 ms", Many: "spawn delay %s ms", Verb: "spawn-delay set",
		Name: "Spawn delay", Label: "Spawn delay per driver, ms", Button: "Set delay",
		get:    func(f *Fields) (value, total *int64) { return f.SpawnDelayMS, nil },
		set:    func(f *Fields, value, _ *int64) { f.SpawnDelayMS = value },
		report: func(s *State) *int64 { return &s.SpawnDelayMS },
	},
	{
		Type: Stop, Slot: LoadSlot, Original: true, Format: 1, One: "stop", Many: "stop", Verb: "stop", Button: "Stop",
	},
}

// Table returns the rows, in the order in which documents show them.
func Table() []Row { return slices.Clone(table[:]) }

// Types lists the command types, in that order.
func Types() []Type {
	types := make([]Type, len(table))
	for i := range table {
		types[i] = table[i].Type
	}
	return types
}

// unknown is the row of a type that is not in the table.
var unknown Row

// row returns the row of a type, and an empty one if there is none.
func (t Type) row() *Row {
	for i := range table {
		if table[i].Type == t {
			return &table[i]
		}
	}
	return &unknown
}

// Row returns the row of a type; known is false if the table has none.
func (t Type) Row() (r Row, known bool) {
	p := t.row()
	return *p, p != &unknown
}

// Known reports whether the table has the type.
func (t Type) Known() bool { return t.row() != &unknown }

// Number writes a value as in JSON and on the command line.
func (r *Row) Number(v int64) string { return strconv.FormatInt(v, 10) }

// Parse reads the format of Number.
func (r *Row) Parse(s string) (int64, error) { return strconv.ParseInt(s, 10, 64) }

// HasValue reports whether commands of the type set a value.
func (r *Row) HasValue() bool { return r.Value != "" }

// Takes reports whether a driver that lists these capabilities supports commands of a type. A driver that lists none
// supports the original types.
func Takes[S ~string](capabilities []S, t Type) bool {
	if len(capabilities) == 0 {
		return t.row().Original
	}
	return slices.Contains(capabilities, S(t))
}
