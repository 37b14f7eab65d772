//go:build !failpoints

package failpoint

import "testing"

func TestAReleaseHasNoFailpoints(t *testing.T) {
	t.Setenv(Env, AfterAppend)
	Hit(AfterAppend) // would end this process in a build with failpoints
	if n := testing.AllocsPerRun(100, func() { Hit(AfterAppend) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
