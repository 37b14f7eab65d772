package command

import (
	"encoding/json"
	"fmt"
)

// Fields is the JSON form of a command, in HTTP bodies, frames, exports and the command line. It has a field for each
// value that a command can carry; a command has only the one of its type.
type Fields struct {
	Type         string `json:"type"`
	Players      *int64 `json:"players,omitempty"`        // of set_players: per driver
	PlayersTotal *int64 `json:"players_total,omitempty"`  // of set_players: for all targets together; never in a frame
	SpawnDelayMS *int64 `json:"spawn_delay_ms,omitempty"` // of set_spawn_delay_ms
	Note         string `json:"note,omitempty"`
}

// Fields returns the JSON form of c.
func (c Command) Fields() Fields {
	f := Fields{Type: string(c.Type), Note: c.Note}
	switch r := c.Type.row(); {
	case !r.HasValue():
	case c.Total:
		r.set(&f, nil, &c.Value)
	default:
		r.set(&f, &c.Value, nil)
	}
	return f
}

// Command converts f. A missing value is 0, and a value of another type is ignored: Check reports both.
func (f Fields) Command() Command {
	c := Command{Type: Type(f.Type), Note: f.Note}
	r := c.Type.row()
	if !r.HasValue() {
		return c
	}
	value, total := r.get(&f)
	if total != nil {
		value, c.Total = total, true
	}
	if value != nil {
		c.Value = *value
	}
	return c
}

// Value returns the value per driver of a command, as in frames; ok is false if it is missing.
func (f Fields) Value() (v int64, ok bool) {
	r := Type(f.Type).row()
	if !r.HasValue() {
		return 0, true
	}
	value, _ := r.get(&f)
	if value == nil {
		return 0, false
	}
	return *value, true
}

// Check reports missing fields of a command, and fields that belong to another type, as field errors below pointer. It
// does not check the values: Command.Validate does.
func (f Fields) Check(pointer string) (bad []FieldError) {
	of := Type(f.Type)
	if !of.Known() {
		return []FieldError{unknownType(pointer)}
	}
	for i := range table {
		r := &table[i]
		if !r.HasValue() {
			continue
		}
		value, total := r.get(&f)
		mine, given, givenTotal := r.Type == of, value != nil, total != nil
		switch {
		case mine && given && givenTotal:
			bad = append(bad, FieldError{pointer + "/" + r.Total, fmt.Sprintf(
				"and %s are both given; %s is per driver, %s is split over the targets", r.Value, r.Value, r.Total)})
		case mine && !given && !givenTotal:
			bad = append(bad, FieldError{pointer + "/" + r.Value, "is missing"})
		case mine:
		default:
			bad = append(bad, r.strangers(pointer, given, givenTotal)...)
		}
	}
	return bad
}

// strangers reports fields of r that were given with another type of command.
func (r *Row) strangers(pointer string, value, total bool) (bad []FieldError) {
	const detail = "is not a field of this command type"
	if value {
		bad = append(bad, FieldError{pointer + "/" + r.Value, detail})
	}
	if total {
		bad = append(bad, FieldError{pointer + "/" + r.Total, detail})
	}
	return bad
}

// String describes a command in the words of the API: "set_players 600 in total".
func (f Fields) String() string {
	c := f.Command()
	r := c.Type.row()
	if _, given := f.Value(); c.Total {
		return f.Type + " " + r.Number(c.Value) + " in total"
	} else if !given || !r.HasValue() {
		return f.Type
	}
	return f.Type + " " + r.Number(c.Value)
}

// String returns that of its Fields.
func (c Command) String() string { return c.Fields().String() }

// MarshalJSON writes c as its Fields.
func (c Command) MarshalJSON() ([]byte, error) { return json.Marshal(c.Fields()) }

// UnmarshalJSON reads Fields. A type that is not in the table keeps only its name, so that a client can show a command
// of a newer server.
func (c *Command) UnmarshalJSON(b []byte) error {
	var f Fields
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	*c = f.Command()
	return nil
}
