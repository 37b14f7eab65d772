// Package testenv says what a test does where something it needs is absent: on a developer's machine it is skipped, and where CI=true
// it fails, so that nothing is skipped in silence.
package testenv

import (
	"os"
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

// Undercuts runs measure until it returns less than limit, five times at most. It is for code that must not wait out
// one of its own timeouts, which limit is: that takes so long each time, while a busy machine is slow now and then.
func Undercuts(t testing.TB, limit time.Duration, measure func() time.Duration) {
	t.Helper()
	const tries = 5
	fastest := measure()
	for try := 1; try < tries && fastest >= limit; try++ {
		fastest = min(fastest, measure())
	}
	if fastest >= limit {
		t.Errorf("the fastest of %d took %v; what must not be waited out is %v", tries, fastest, limit)
	}
}
