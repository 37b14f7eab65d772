package process_test

import "testing"

// tries is how often a timed bound may fail before it counts.
const tries = 4

// calm measures until the bounds hold, a few times at most. Such a bound is a time: a promise about the product on a
// machine that is not busy. `make soak` enforces it, and is run on such a machine. `make test` runs anywhere, so it
// only prints the figure. What must never go wrong, however slow the machine, does not use calm and is an error at
// once.
func calm(t *testing.T, measure func(broken func(format string, args ...any))) {
	t.Helper()
	for try := 1; try <= tries && !t.Failed(); try++ {
		held := true
		measure(func(format string, args ...any) {
			t.Helper()
			if held = false; try == tries {
				t.Errorf(format, args...)
			} else {
				t.Logf("disturbed: "+format, args...)
			}
		})
		if held || !soak {
			return
		}
	}
}
