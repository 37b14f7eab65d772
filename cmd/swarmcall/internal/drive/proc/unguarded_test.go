package proc

import (
	"runtime"
	"strings"
	"testing"
)

// TestUnguarded: the driver warns where its generator may outlive it, and only there.
func TestUnguarded(t *testing.T) {
	for system, words := range map[string]string{
		"darwin":  "on darwin the generator keeps running if this driver is killed",
		"windows": "on windows the generator keeps running if this driver is killed",
		"linux":   "without /proc the driver cannot find the processes that its generator starts",
	} {
		if why := unguarded(system, t.TempDir()); !strings.HasPrefix(why, words) {
			t.Errorf("%s without /proc: %q", system, why)
		}
	}
	if why := Unguarded(); (why == "") != (runtime.GOOS == "linux") {
		t.Errorf("here: %q", why)
	}
}
