// Package testenv says what a test does where something it needs is absent: on a developer's machine it is skipped, and
// where CI=true it fails, so that nothing is skipped in silence.
package testenv

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
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

// Undercuts runs measure until what it took is less than so many times what something else took beside it, five times
// at most. It is for code that must not wait out one of its own timeouts: that takes so long each time, while a busy
// machine is slow now and then, and at anything.
func Undercuts(t testing.TB, times int, measure func() (base, took time.Duration)) {
	t.Helper()
	const tries = 5
	var seen []string
	for range tries {
		base, took := measure()
		if took < time.Duration(times)*base {
			return
		}
		seen = append(seen, fmt.Sprintf("%v beside %v", took, base))
	}
	t.Errorf("it never took less than %d times what it is compared with: %s", times, strings.Join(seen, ", "))
}
