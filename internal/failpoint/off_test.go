//go:build !failpoints

package failpoint

import "testing"

func TestAReleaseHasNoFailpoints(t *testing.T) {
	t.Setenv(Env, AfterAppend)
	Hit(AfterAppend) // or this process is gone
	if n := testing.AllocsPerRun(100, func() { Hit(AfterAppend) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
