package command

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxNoteBytes bounds a note.
const MaxNoteBytes = 256

// Command is one command. Its value is absolute: applying a command twice has the same effect as applying it once.
type Command struct {
	Type  Type
	Value int64  // what is set, in the unit of the type; 0 for a type without a value
	Total bool   // Value is for all targets together, and split over them
	Note  string // free text for human readers, at most MaxNoteBytes
}

// FieldError says which field of a request is wrong, and how.
type FieldError struct {
	Pointer string // JSON pointer into the request
	Detail  string
}

// Slot returns the part of the desired state that c sets.
func (c Command) Slot() Slot { return c.Type.row().Slot }

// Load reports whether c asks for load.
func (c Command) Load() bool { return c.Type.row().Level && c.Value > 0 }

// Supersedes reports whether c makes an older command that was not sent yet irrelevant. Only another Stop supersedes a
// Stop: a driver that receives a Stop and then load must have stopped in between.
func (c Command) Supersedes(older Command) bool {
	return c.Slot() == older.Slot() && (older.Type != Stop || c.Type == Stop)
}

// Validate reports what is wrong with c, as field errors below pointer (a JSON pointer such as "/command").
func (c Command) Validate(pointer string) []FieldError {
	var bad []FieldError
	switch r := c.Type.row(); {
	case r == &unknown:
		bad = append(bad, unknownType(pointer))
	case r.HasValue() && c.Total:
		bad = r.between(bad, pointer+"/"+r.Total, c.Value, r.MaxTotal)
	case r.HasValue():
		bad = r.between(bad, pointer+"/"+r.Value, c.Value, r.Max)
	}
	if len(c.Note) > MaxNoteBytes || !utf8.ValidString(c.Note) || strings.ContainsFunc(c.Note, unicode.IsControl) {
		bad = append(bad, FieldError{
			pointer + "/note", "must be at most 256 bytes of UTF-8 without control characters",
		})
	}
	return bad
}

func unknownType(pointer string) FieldError {
	return FieldError{pointer + "/type", "is not a command type; use " + OneOf()}
}

// OneOf lists the command types in a sentence: "set_players, set_spawn_delay_ms or stop".
func OneOf() string {
	var b strings.Builder
	for i, t := range Types() {
		switch {
		case i == len(table)-1:
			b.WriteString(" or ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(t))
	}
	return b.String()
}

func (r *Row) between(bad []FieldError, pointer string, v, high int64) []FieldError {
	if v < 0 || v > high {
		return append(bad, FieldError{
			pointer, fmt.Sprintf("is %s; must be between 0 and %s", r.Number(v), r.Number(high)),
		})
	}
	return bad
}

// Words returns the command-line arguments that send c again, without its target and its note.
func (c Command) Words() []string {
	r := c.Type.row()
	words := strings.Fields(r.Verb)
	switch {
	case !r.HasValue():
	case r.Unit == Milliseconds:
		words = append(words, (time.Duration(c.Value) * time.Millisecond).String())
	default:
		words = append(words, r.Number(c.Value))
	}
	if c.Total {
		words = append(words, "--total")
	}
	return words
}

// Text describes c in a few words; number formats its value. For a type with a total it says whether the value is per
// driver: "50 players each", "600 players in all".
func (c Command) Text(number func(int64) string) string {
	r := c.Type.row()
	if r == &unknown {
		return string(c.Type)
	}
	text := r.One
	if r.HasValue() && c.Value != 1 {
		text = fmt.Sprintf(r.Many, number(c.Value))
	}
	switch {
	case c.Total:
		return text + " in all"
	case r.Total != "":
		return text + " each"
	}
	return text
}
