package process_test

import "testing"

// tries is how often a timed bound may fail before it counts.
const tries = 4

// calm measures until the bounds hold, a few times at most. A bound of this kind is a promise about the product on a machine that has
// time for it; the machines that tests run on stop for a second now and then, for reasons of their own. A product that breaks its
// promise breaks it every time. What may never go wrong, however slow the machine, is no matter of calm: that is an error at once.
func calm(t *testing.T, measure func(broken func(format string, args ...any))) {
	t.Helper()
	for try := 1; try <= tries && !t.Failed(); try++ {
		held := true
		measure(func(format string, args ...any) {
			t.Helper()
			if held = false; try == tries {
				t.Errorf(format, args...)
			} else {
				t.Logf("disturbed, measured again: "+format, args...)
			}
		})
		if held {
			return
		}
	}
}
