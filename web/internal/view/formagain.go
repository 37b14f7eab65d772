package view

import (
	"net/url"
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// FormAgain is a form that was refused, with what was typed.
type FormAgain struct {
	Type    string
	Drivers []string // it names
	Fields  []FieldAgain
	Per     string // "total" or ""; of set_players for many
	HasPer  bool
	Button  string
}

// FieldAgain is one field of it.
type FieldAgain struct {
	ID, Name, Label, Value string
	Error                  string // "" when it is in order
	Number                 bool
}

// formWords are the fields of each form that has some.
var formWords = map[swarm.CommandType]struct {
	button string
	fields []string
}{
	swarm.SetPlayers:    {"Set players", []string{"players", "labels", "note"}},
	swarm.SetSpawnDelay: {"Set delay", []string{"spawn_delay_ms", "labels", "note"}},
}

// NewFormAgain makes the form of what was posted, or nil when nothing was typed in it.
func NewFormAgain(posted url.Values, fields []swarm.FieldError) *FormAgain {
	words, ok := formWords[swarm.CommandType(posted.Get("type"))]
	if !ok {
		return nil
	}
	f := &FormAgain{Type: posted.Get("type"), Drivers: posted["driver_ids"], Button: words.button, Per: posted.Get("per")}
	f.HasPer = f.Type == string(swarm.SetPlayers) && len(f.Drivers) == 0
	for _, name := range words.fields {
		if name == "labels" && len(f.Drivers) > 0 {
			continue
		}
		field := FieldAgain{ID: "again-" + name, Name: name, Label: fieldNames[name], Value: posted.Get(name)}
		field.Number = strings.HasPrefix(name, "players") || name == "spawn_delay_ms"
		field.Error = errorOf(name, fields)
		f.Fields = append(f.Fields, field)
	}
	return f
}

func errorOf(name string, fields []swarm.FieldError) string {
	var all []string
	for _, e := range fields {
		if of := fieldOf(e.Pointer); of == name || of == "players_total" && name == "players" {
			all = append(all, e.Detail)
		}
	}
	return strings.Join(all, "; ")
}

// Shown reports whether the form shows an error of the field that is called so.
func (f *FormAgain) Shown(label string) bool {
	if f == nil {
		return false
	}
	for _, field := range f.Fields {
		if field.Label == label && field.Error != "" {
			return true
		}
	}
	return false
}
