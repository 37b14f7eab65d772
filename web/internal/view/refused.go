package view

import (
	"cmp"
	"errors"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// RefusedPage explains to a person that a request was refused because of its Host or Origin.
type RefusedPage struct {
	Says  string
	Hints []Hint
}

// Hint tells the operator when a flag resolves the refusal, and the flag with its value.
type Hint struct{ When, Flag string }

// NewRefusedPage shows an error that has attributes for operators.
func NewRefusedPage(err error) RefusedPage {
	m := RefusedPage{Says: "The request failed"}
	e, ok := errors.AsType[*swarm.Error](err)
	if !ok {
		return m
	}
	says, _ := e.Attrs["says"].(string)
	m.Says = upper(cmp.Or(says, e.Detail))
	hints, _ := e.Attrs["hints"].([]swarm.Hint)
	for _, h := range hints {
		m.Hints = append(m.Hints, Hint{upper(h.When), h.Flag})
	}
	return m
}
