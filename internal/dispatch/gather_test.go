package dispatch

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// TestGathering: how long the sequencer waits for commands to share an append, after one that took 20 ms.
func TestGathering(t *testing.T) {
	const took = 20 * time.Millisecond
	load := &submission{Submission: swarm.Submission{Command: swarm.Command{Type: command.SetPlayers}}}
	stop := &submission{Submission: swarm.Submission{Command: swarm.Command{Type: command.Stop}}}
	for name, tc := range map[string]struct {
		shared  int           // commands of the previous append
		took    time.Duration // how long it took
		during  int           // commands that arrived during it
		then    []*submission // arrive a millisecond apart, after a first command
		waiting time.Duration // how long the first command waits
	}{
		"alone":                        {1, took, 0, nil, 0},
		"a log that is quick":          {3, time.Millisecond, 0, nil, 0},
		"all come back":                {3, took, 0, []*submission{load, load}, 2 * time.Millisecond},
		"one does not come back":       {3, took, 0, []*submission{load}, took / gatherPart},
		"none comes back, a slow disk": {3, time.Second, 0, nil, gatherMost},
		"a group that had to wait":     {2, took, 1, []*submission{load, load}, time.Millisecond},
		"a Stop":                       {5, took, 0, []*submission{load, stop, load}, 2 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, g := newQueue(), gathering{}
				for range tc.during {
					q.submit(load)
				}
				g.appended(tc.shared, tc.took)
				g.over(q)
				q.submit(load)
				var all sync.WaitGroup
				all.Go(func() {
					for _, s := range tc.then {
						<-time.After(time.Millisecond)
						q.submit(s)
					}
				})
				began := time.Now()
				g.wait(q)
				if waited := time.Since(began); waited != tc.waiting {
					t.Errorf("waited %v, want %v", waited, tc.waiting)
				}
				all.Wait()
			})
		})
	}
}
