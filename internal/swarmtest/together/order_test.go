package together

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// TestOrderUnderManySubmitters lets 100 submitters send 20 commands each to ten drivers, five of which lose their
// connection again and again: no driver ever receives commands out of order, and at the end all have the state of the
// log.
func TestOrderUnderManySubmitters(t *testing.T) {
	const submitters, each, drivers = 100, 20, 10
	synctest.Test(t, func(t *testing.T) {
		h := &history{world: open(t), t: t, answers: map[uint64]swarm.Entry{}}
		net := swarmtest.Serve(t, h.handler())
		for i := range drivers {
			p := newProcess(fmt.Sprintf("d-%d", i), net.Client(), "ws://127.0.0.1/drivers/connect")
			if err := p.connect(); err != nil {
				t.Fatal(err)
			}
			h.processes = append(h.processes, p)
		}
		synctest.Wait()
		var over atomic.Bool
		var flapping, submitting sync.WaitGroup
		for i, p := range h.processes[:drivers/2] {
			flapping.Go(func() {
				for !over.Load() {
					swarmtest.Advance(time.Duration(1+i) * time.Millisecond)
					if err := p.connect(); err != nil {
						t.Errorf("%s: %v", p.id, err)
					}
				}
			})
		}
		for s := range submitters {
			submitting.Go(func() {
				for i := range each {
					c := []swarm.Command{players(int64(s*each + i)), stop,
						{Type: command.SetSpawnDelay, Value: int64(i)}}[(s+i)%3]
					if e, err := h.submit(submission(c, 50*time.Millisecond)); err != nil ||
						e.Counts().Targeted < drivers/2 {
						t.Errorf("%+v %v", e, err)
					}
					swarmtest.Advance(time.Duration(s%7) * 100 * time.Microsecond)
				}
			})
		}
		submitting.Wait()
		over.Store(true)
		flapping.Wait()
		h.settle()
		problems := append(h.ordered(), h.convergent()...)
		seen, sessions := 0, 0
		for _, p := range h.processes {
			seen, sessions = seen+len(p.seen), sessions+p.session
		}
		h.stop()
		for _, p := range h.processes {
			p.end(t)
		}
		for _, problem := range append(problems, h.complete()...) {
			t.Error(problem)
		}
		t.Logf("%d commands of %d submitters, %d sessions of %d drivers, %d commands seen: %d problems",
			len(h.log.Entries()), submitters, sessions, drivers, seen, len(problems))
	})
}
