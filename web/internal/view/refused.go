package view

import (
	"cmp"
	"errors"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// RefusedPage is what a person is told whose request was refused for the Host or the Origin.
type RefusedPage struct {
	Says  string
	Cures []Cure
}

// Cure is what the operator can do: in which case, and the flag with its value.
type Cure struct{ When, Flag string }

// NewRefusedPage takes an error apart that was made for operators.
func NewRefusedPage(err error) RefusedPage {
	m := RefusedPage{Says: "The request failed"}
	e, ok := errors.AsType[*swarm.Error](err)
	if !ok {
		return m
	}
	says, _ := e.Attrs["says"].(string)
	m.Says = upper(cmp.Or(says, e.Detail))
	cures, _ := e.Attrs["cures"].([]swarm.Cure)
	for _, c := range cures {
		m.Cures = append(m.Cures, Cure{upper(c.When), c.Flag})
	}
	return m
}
