package swarm

import "strings"

// Cure is a way to resolve a refusal: when it applies, and the flag with its value.
type Cure struct{ When, Flag string }

// Curable returns an Error whose detail says what was refused and how an operator can resolve it. Attrs holds the parts
// separately, for a page that lists them.
func Curable(code Code, says string, cures ...Cure) *Error {
	var b strings.Builder
	b.WriteString(says)
	for _, c := range cures {
		b.WriteString("; " + c.When + ", start the server with " + c.Flag)
	}
	return &Error{Code: code, Detail: b.String(), Attrs: map[string]any{"says": says, "cures": cures}}
}
