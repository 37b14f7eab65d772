// Package testenv decides what happens to a test that needs something that is absent: on a developer's machine it is
// skipped, and where CI=true it fails, so that nothing is skipped unnoticed.
package testenv

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var ci = os.Getenv("CI") == "true"

// Lacks skips or fails a test because something is absent; the format names it, and how to get it.
func Lacks(t testing.TB, format string, args ...any) {
	t.Helper()
	if ci {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// Slow skips a test under -short, with the reason; never in CI.
func Slow(t testing.TB, why string) {
	t.Helper()
	if testing.Short() && !ci {
		t.Skip(why)
	}
}

// Undercuts runs measure, five times at most, until its time is less than this many times the time of something else
// measured next to it. It is for code that must not wait for one of its own timeouts: such a wait takes as long each
// time, while a busy machine is slow only now and then, and at anything.
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
