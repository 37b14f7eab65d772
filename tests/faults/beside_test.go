package faults_test

import (
	"sync"
	"testing"

	"github.com/swarmcall/swarmcall/internal/cmdlog"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// TestALookBesideAWritingServer: `swarmcall log` reads the files of a running server, finds everything that was
// acknowledged before it began, no damage, and does not disturb the server.
func TestALookBesideAWritingServer(t *testing.T) {
	dir := t.TempDir()
	l := mustOpen(t, cmdlog.Config{Dir: dir, Node: "test", Sync: cmdlog.SyncInterval})
	done := make(chan struct{})
	// The writer may be far faster than a look. Unbounded, each look would take longer than the one before.
	budget := make(chan struct{}, 60)
	var writer sync.WaitGroup
	writer.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-budget:
				records := make([]swarm.Record, 1+i%12)
				for k := range records {
					records[k] = swarmtest.Issued("ci", "a", "b", "c")
				}
				if _, err := l.Append(t.Context(), l.Last(), records); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	c := tally{t: t, what: "looks beside a writing server that find damage or too little"}
	for range 50 {
		for len(budget) < cap(budget) {
			budget <- struct{}{}
		}
		acknowledged := l.Last()
		inUse, err := logfile.InUse(dir)
		r, _ := scan(t, dir)
		c.trial(err == nil && inUse && r.Err() == nil && len(r.Notes) == 0 && r.Last >= acknowledged,
			"in use %v %v; %v %v; ends at %d, acknowledged was %d",
			inUse, err, r.Err(), r.Notes, r.Last, acknowledged)
	}
	close(done)
	writer.Wait()
	shut(t, l)
	c.report()
}
