package view

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// FormAgain is a refused form with the submitted values.
type FormAgain struct {
	Type    string
	Retry   string   // the command that it sends again; then it has no other value
	Drivers []string // named by the form
	Scope   []string // labels that the form fixes, each as key=value
	Fields  []FieldAgain
	Per     string // "total" or ""; of set_players for many
	HasPer  bool
	Button  string
}

// FieldAgain is one field of a FormAgain.
type FieldAgain struct {
	ID, Name, Label, Value string
	Error                  string // "" when the value is valid
	Number                 bool
}

// NewFormAgain makes the form from the posted values, or returns nil for a command without a value.
func NewFormAgain(posted url.Values, fields []swarm.FieldError) *FormAgain {
	row, _ := command.Type(posted.Get("type")).Row()
	if !row.HasValue() {
		return nil
	}
	return newFormAgain(row, posted, fields)
}

// NewCarriedForm makes the form that a person sent while signed out, so that they can send it after they have signed
// in. Unlike a refused one, it may also be a Stop or a retry. It returns nil if posted is no form of a page.
func NewCarriedForm(posted url.Values) *FormAgain {
	if seq, err := strconv.ParseUint(posted.Get("retry"), 10, 64); err == nil {
		retry := strconv.FormatUint(seq, 10)
		return &FormAgain{Retry: retry, Button: "Retry command " + retry}
	}
	row, ok := command.Type(posted.Get("type")).Row()
	if !ok {
		return nil
	}
	return newFormAgain(row, posted, nil)
}

func newFormAgain(row command.Row, posted url.Values, fields []swarm.FieldError) *FormAgain {
	f := &FormAgain{
		Type: string(row.Type), Drivers: posted["driver_ids"], Scope: posted["scope"], Button: row.Button,
		Per: posted.Get("per"),
	}
	f.HasPer = row.Total != "" && len(f.Drivers) == 0
	for _, name := range []string{row.Value, "labels", "note"} {
		if name == "" || name == "labels" && len(f.Drivers) > 0 {
			continue
		}
		field := FieldAgain{ID: "again-" + name, Name: name, Label: fieldNames[name], Value: posted.Get(name)}
		if field.Error = errorOf(name, fields); name == row.Value {
			field.Number, field.Error = true, errorOf(name, fields, row.Total)
		}
		f.Fields = append(f.Fields, field)
	}
	return f
}

// Values are the fixed values of the form that a visitor sees before sending it again.
func (f FormAgain) Values() (all []Figure) {
	if len(f.Drivers) > 0 {
		all = append(all, Figure{"Drivers", few(f.Drivers)})
	}
	if len(f.Scope) > 0 {
		all = append(all, Figure{"Only drivers with", strings.Join(f.Scope, ", ")})
	}
	return all
}

// errorOf joins the errors of one field of the form. also names further API fields that belong to it.
func errorOf(name string, fields []swarm.FieldError, also ...string) string {
	var all []string
	for _, e := range fields {
		if of := fieldOf(e.Pointer); of == name || slices.Contains(also, of) {
			all = append(all, e.Detail)
		}
	}
	return strings.Join(all, "; ")
}

// Shown reports whether the form shows an error at the field with this label.
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
