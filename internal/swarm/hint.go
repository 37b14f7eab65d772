package swarm

import "strings"

// Hint is a way to resolve a refusal: when it applies, and the flag with its value.
type Hint struct{ When, Flag string }

// RefusedWithHints returns an Error whose detail says what was refused and how an operator can resolve it. Attrs has
// the parts separately, for a page that lists them.
func RefusedWithHints(code Code, says string, hints ...Hint) *Error {
	var b strings.Builder
	b.WriteString(says)
	for _, h := range hints {
		b.WriteString("; " + h.When + ", start the server with " + h.Flag)
	}
	return &Error{Code: code, Detail: b.String(), Attrs: map[string]any{"says": says, "hints": hints}}
}
