package process_test

import (
	"testing"
	"time"
)

// TestAPausedServerLosesNoDriver suspends the server for far longer than drivers may be silent, and reads the roster as
// soon as it continues: the pause counts against no driver, none is marked stale, none has lost its load.
func TestAPausedServerLosesNoDriver(t *testing.T) {
	w := newWorld(t, 0)
	ramps, leave := ramped(t, w.proxy.URL(), orphans)
	defer leave()
	w.converged(orphans, "after they have registered")
	w.all(t, orphans, command{submitter: "ops", players: orphaned})
	w.converged(orphans, "load is wanted")
	took := pauseFor(w.server, time.Duration(rounds(5, 30))*time.Second) // drivers are stale after 2 s
	active := w.client.active(t.Context())
	if active != orphans {
		t.Errorf("right after a pause of %v %d of %d drivers are active", took, active, orphans)
	}
	w.all(t, orphans, command{submitter: "ops", players: orphaned})
	if n := atLoad(ramps); n != orphans {
		t.Errorf("after a pause of %v %d of %d drivers are at load", took, n, orphans)
	}
	t.Logf("%d of %d drivers active at the first request after a pause of %v", active, orphans,
		took.Round(time.Millisecond))
}
