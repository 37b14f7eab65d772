package together

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// restart makes the process forget everything except its load: the worst restart by a supervisor.
func (p *process) restart() {
	p.cut()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.applied, p.slot, p.results = 0, map[string]uint64{}, map[uint64]string{}
}

func (p *process) players() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state.Players
}

// TestAMissedStopIsDeliveredLater runs a swarm, disconnects three of four drivers in three ways (cut off, hung,
// restarted), stops the swarm, and lets them return one by one. A driver that was never stopped and a new one join as
// well.
func TestAMissedStopIsDeliveredLater(t *testing.T) {
	const n = 40
	synctest.Test(t, func(t *testing.T) {
		w := open(t)
		net := swarmtest.Serve(t, w.handler())
		var all []*process
		for i := range n {
			all = append(all, newProcess(fmt.Sprintf("d-%02d", i), net.Client(), "ws://127.0.0.1/drivers/connect"))
			if err := all[i].connect(); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if e, err := w.submit(submission(players(50), time.Second)); err != nil || e.Counts().Acked != n {
			t.Fatalf("%+v %v", e.Counts(), err)
		}
		for i, p := range all {
			switch i % 4 {
			case 1:
				p.cut()
			case 2:
				p.behave(hung)
			case 3:
				p.restart()
			}
		}
		swarmtest.Advance(5 * time.Second) // the hung ones are stale
		e, err := w.submit(submission(stop, time.Second))
		if c := e.Counts(); err != nil || c.Targeted != n/4 || c.Acked != n/4 {
			t.Fatalf("%+v %v", c, err)
		}
		if e, err := w.submit(submission(stop, time.Second, all[1].id, all[2].id)); err != nil ||
			e.Closed.Duration != 0 ||
			e.Closed.Verdicts[0].Reason != swarm.ReasonDisconnected ||
			e.Closed.Verdicts[1].Reason != swarm.ReasonStale {
			t.Errorf("a Stop for drivers that are away: %+v %v", e.Closed, err)
		}
		var slowest time.Duration
		for i, p := range all {
			if i%4 == 0 {
				continue
			}
			if p.players() == 0 {
				t.Errorf("%s was stopped while it was away", p.id)
			}
			began := time.Now()
			p.behave(acks)
			if i%4 != 2 {
				if err := p.connect(); err != nil {
					t.Fatal(err)
				}
			}
			for p.players() > 0 && time.Since(began) < time.Minute {
				swarmtest.Advance(10 * time.Millisecond)
			}
			slowest = max(slowest, time.Since(began))
		}
		swarmtest.Advance(time.Second)
		synctest.Wait()
		s, runners := w.r.State(swarm.StateQuery{}), 0
		for _, p := range all {
			if p.players() > 0 {
				runners++
			}
		}
		t.Logf("%d of %d drivers missed the Stop: at 0 players %v after they were back at the latest; %d run on; "+
			"State: %d converged, %d drifting",
			n*3/4, n, slowest, runners, s.Converged, s.Drifting)
		if slowest > 2*time.Second || runners > 0 || s.Converged != n {
			t.Error("a Stop did not stop")
		}
		if late := len(w.log.Entries()[1].Late); late != 0 {
			t.Errorf("%d late answers of drivers that were no targets", late)
		}
		w.stop()
		for _, p := range all {
			p.end(t)
		}
	})
}
