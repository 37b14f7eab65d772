package swarm

import "strings"

// Cure is what an operator can do about a refusal: in which case, and the flag with its value.
type Cure struct{ When, Flag string }

// Curable makes an Error whose detail says what was refused and what an operator can do about it. The parts are kept in
// Attrs, for a page that shows them one by one.
func Curable(code Code, says string, cures ...Cure) *Error {
	var b strings.Builder
	b.WriteString(says)
	for _, c := range cures {
		b.WriteString("; " + c.When + ", start the server with " + c.Flag)
	}
	return &Error{Code: code, Detail: b.String(), Attrs: map[string]any{"says": says, "cures": cures}}
}
