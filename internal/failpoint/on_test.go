//go:build failpoints

package failpoint

import "testing"

func TestHitEndsTheProcessOnce(t *testing.T) {
	defer func(c string, a int64, k func()) { chosen, after, kill = c, a, k }(chosen, after, kill)
	killed := 0
	kill = func() { killed++ }
	chosen, after = parse("after_append:3")
	for i := 1; i <= 5; i++ {
		Hit(BeforeAppend)
		Hit(AfterAppend)
		if want := min(max(i-2, 0), 1); killed != want {
			t.Errorf("after %d hits: killed %d times, want %d", i, killed, want)
		}
	}
	if name, n := parse("mid_fanout"); name != MidFanout || n != 1 {
		t.Errorf("without a number: %s %d", name, n)
	}
}
