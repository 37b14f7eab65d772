// Package testenv says what a test does where something it needs is absent: on a developer's machine it is skipped, and where CI=true
// it fails, so that nothing is skipped in silence.
package testenv

import (
	"os"
	"testing"
)

var ci = os.Getenv("CI") == "true"

// Lacks ends a test for want of something, which its format names with the way to get it.
func Lacks(t testing.TB, format string, args ...any) {
	t.Helper()
	if ci {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Slow ends a test that -short spares, and why; never in CI.
func Slow(t testing.TB, why string) {
	t.Helper()
	if testing.Short() && !ci {
		t.Skip(why)
	}
}
