// Package testenv decides what happens to a test that needs something absent: on a developer's machine it is skipped,
// and with CI=true it fails, so that no skip goes unnoticed.
package testenv

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

var ci = os.Getenv("CI") == "true"

// SkipOrFail skips a test, or fails it in CI, because something is absent; the format names it, and how to install it.
func SkipOrFail(t testing.TB, format string, args ...any) {
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

// FasterThan runs measure up to five times, until took is less than times · base, where base is the time of something
// else measured in the same call. It is for code that must not wait for one of its own timeouts: such a wait takes
// equally long each time, while a busy machine is slow only now and then, and slows base too.
func FasterThan(t testing.TB, times int, measure func() (base, took time.Duration)) {
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
