package drivers

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// endRetired ends the sessions of a node. The channel gets how long that took.
func (w *world) endRetired(ctx context.Context, spread time.Duration) <-chan time.Duration {
	took := make(chan time.Duration, 1)
	go func() {
		began := time.Now()
		w.r.EndRetired(ctx, spread)
		took <- time.Since(began)
	}()
	return took
}

// TestDriversLeaveANode: over the given time, each with a drain, and no driver comes meanwhile.
func TestDriversLeaveANode(t *testing.T) {
	const drivers, spread = 60, 6 * time.Second
	inTwo(t, func(_ *nodes, w, _ *world) {
		ends := make(chan time.Duration, drivers)
		var began time.Time
		for i := range drivers {
			p, _ := w.join(fmt.Sprint("d-", i), "")
			go func() {
				code, kinds := p.closed()
				if code != 1001 || kinds[len(kinds)-1] != wire.TypeDrain {
					p.t.Errorf("closed with %d after %v", code, kinds)
				}
				ends <- time.Since(began)
			}()
		}
		unregistered := w.dial()
		w.r.Retire()
		for id, lost := range w.chosen() {
			if lost != swarm.ReasonDisconnected {
				t.Errorf("%s is a target", id)
			}
		}
		w.r.Settled()
		swarmtest.Advance(2 * time.Second)
		if len(ends) != 0 || w.r.Open() != drivers {
			t.Fatalf("%d have ended before they may", len(ends))
		}
		if _, err := w.handshake(); swarm.CodeOf(err) != swarm.CodeShuttingDown {
			t.Errorf("a driver that connects: %v", err)
		}
		began = time.Now()
		took := w.endRetired(w.t.Context(), spread)
		unregistered.send(`{"type":"register","driver_id":"late"}`)
		if code, kinds := unregistered.closed(); code != 1001 || kinds[0] != wire.TypeDrain {
			t.Errorf("one that registers: closed with %d after %v", code, kinds)
		}
		bySecond := map[int]int{}
		for range drivers {
			bySecond[int(<-ends/time.Second)]++
		}
		if d := <-took; d < spread/2 || d > spread+time.Second {
			t.Errorf("took %v", d)
		}
		for i := range 6 {
			if bySecond[i] == 0 {
				t.Errorf("none ended in second %d: %v", i, bySecond)
			}
		}
		w.join("again", "") // the node has its lease again
	})
}

// TestARetiredSessionAnswersFirst: it still receives commands, and ends after its answer or their deadline.
func TestARetiredSessionAnswersFirst(t *testing.T) {
	inTwo(t, func(_ *nodes, w, _ *world) {
		p, _ := w.join("d-1", "")
		mute, _ := w.join("mute", "")
		x, y := watch(p), watch(mute)
		w.r.Retire()
		swarmtest.Advance(2 * noticeTime)
		w.issue(swarm.Issue{Seq: 2, Command: set10, Targets: []string{"d-1", "mute"}, Deadline: 3 * time.Second,
			Foreign: true})
		took := w.endRetired(w.t.Context(), 0)
		swarmtest.Advance(time.Second)
		if x.over() || y.over() {
			t.Error("a session has ended before its answer")
		}
		x.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		synctest.Wait()
		if !x.over() || y.over() {
			t.Error("after the answer only the session that answered ends")
		}
		if d := <-took; d < 3*time.Second || d > 4*time.Second {
			t.Errorf("took %v", d)
		}
		if !y.over() {
			t.Error("after the deadline a session has not ended")
		}
	})
}

// TestOtherNodesNoticeFirst: a session that retires does not end at once, because another node may just have chosen its
// driver as a target.
func TestOtherNodesNoticeFirst(t *testing.T) {
	inTwo(t, func(_ *nodes, w, _ *world) {
		p, _ := w.join("d-1", "")
		x := watch(p)
		w.r.Retire()
		took := w.endRetired(w.t.Context(), 0)
		swarmtest.Advance(noticeTime - time.Millisecond)
		if x.over() {
			t.Error("it has ended before other nodes have noticed")
		}
		if d := <-took; d > noticeTime+time.Second {
			t.Errorf("took %v", d)
		}
	})
}

// TestEndRetiredHasABound: its context.
func TestEndRetiredHasABound(t *testing.T) {
	inTwo(t, func(_ *nodes, w, _ *world) {
		w.join("d-1", "")
		w.r.Retire()
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		if d := <-w.endRetired(ctx, time.Hour); d != time.Second {
			t.Errorf("took %v", d)
		}
	})
}
