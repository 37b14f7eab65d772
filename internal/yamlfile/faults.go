package yamlfile

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Faults are the errors of a file. Beyond a number that nobody reads, they are only counted.
type Faults struct {
	shown []error
	total int
}

const mostShown = 50

// Add adds an error.
func (f *Faults) Add(format string, args ...any) {
	if f.total++; f.total <= mostShown {
		f.shown = append(f.shown, fmt.Errorf(format, args...))
	}
}

// Err returns all errors as one, or nil.
func (f *Faults) Err() error {
	if more := f.total - len(f.shown); more > 0 {
		return errors.Join(append(f.shown, fmt.Errorf("and %d more errors", more))...)
	}
	return errors.Join(f.shown...)
}

// secretPrefixes begin the secrets that configuration files may have by mistake or on purpose.
var secretPrefixes = []string{"swc_", "whsec_"}

func mayBeSecret(s string) bool {
	return slices.ContainsFunc(secretPrefixes, func(prefix string) bool { return strings.Contains(s, prefix) })
}

// Quoted shows a word of the file in an error, unless it may be a secret.
func Quoted(s string) string {
	const long = 64
	if mayBeSecret(s) || len(s) > long {
		return fmt.Sprintf("a text of %d bytes", len(s))
	}
	return fmt.Sprintf("%q", s)
}
