package process_test

import (
	"fmt"
	"os/exec"
	"sync"
	"testing"
	"time"
)

const (
	slowSync   = 20 * time.Millisecond // what a sync of the slow disk takes
	sideBySide = 8                     // submitters
	sharedGain = 5.0                   // how many times as fast as one so many have to be
)

// TestSubmittersShareASync: records that wait together cost one sync of the disk, so that a slow disk bounds how long
// one command takes, and not how many commands a second the server takes. Both rates are of the same server, in turns.
func TestSubmittersShareASync(t *testing.T) {
	_, absent := exec.LookPath("strace")
	need(t, absent, "strace")
	w := newWorld(t, 3)
	w.server.stop(t)
	w.launch.through = slowDisk(slowSync)
	w.up()
	w.joined()
	turn := 0
	calm(t, func(broken func(format string, args ...any)) {
		var alone, many time.Duration
		for range rounds(2, 10) {
			turn++
			alone += issueFrom(w, 1, 15, turn)
			many += issueFrom(w, sideBySide, 15, turn)
		}
		gain := sideBySide * alone.Seconds() / many.Seconds()
		t.Logf("with syncs of %v, %d submitters are %.1f times as quick as one", slowSync, sideBySide, gain)
		if gain < sharedGain {
			broken("%d submitters are %.1f times as quick as one, want %.0f times", sideBySide, gain, sharedGain)
		}
	})
	w.server.stop(t)
}

// slowDisk returns a command prefix that makes each sync take longer. strace is then the child, not the parent: signals
// reach the command itself.
func slowDisk(longer time.Duration) []string {
	return []string{
		"strace", "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync",
		"-e", fmt.Sprintf("inject=fsync,fdatasync:delay_enter=%d", longer.Microseconds()),
	}
}

// issueFrom issues commands from n submitters side by side, each one after the other, and returns how long that took.
func issueFrom(w *world, n, each, turn int) time.Duration {
	w.t.Helper()
	began := time.Now()
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			for k := range each {
				a, err := w.client.post(w.t.Context(), command{
					submitter: fmt.Sprintf("s-%d", i), players: int64(1000*turn + k),
				})
				if err != nil || !a.accepted() {
					w.t.Errorf("%d %s %v", a.status, a.body, err)
					return
				}
			}
		})
	}
	all.Wait()
	return time.Since(began)
}
