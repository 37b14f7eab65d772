package view

import (
	"cmp"
	"errors"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// RefusedPage explains to a person that a request was refused because of its Host or Origin.
type RefusedPage struct {
	Says  string
	Cures []Cure
}

// Cure is a remedy for the operator: the case in which it applies, and the flag with its value.
type Cure struct{ When, Flag string }

// NewRefusedPage shows an error that has attributes for operators.
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
