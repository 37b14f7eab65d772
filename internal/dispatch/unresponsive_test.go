package dispatch

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// TestDriverThatNeverAcksCostsThreeDeadlines: a driver sends heartbeats and no acks. After three commands no round
// waits for it, until it answers.
func TestDriverThatNeverAcksCostsThreeDeadlines(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		mute := w.fleet.Join("mute")
		mute.Hold()
		for i := range 6 {
			r := w.Submit(t.Context(), ordinary(time.Second))
			want, reason := time.Second, swarm.ReasonDeadline
			if i >= swarm.MissesToFlag {
				want, reason = 0, swarm.ReasonUnresponsive
			}
			if r.Duration != want || r.Missing["mute"] != reason || r.Counts.Acked != 1 {
				t.Errorf("command %d: %+v", i, r)
			}
		}
		mute.Release() // it answers all commands, late
		synctest.Wait()
		if r := w.Submit(t.Context(), ordinary(time.Second)); r.Status != swarm.Complete {
			t.Errorf("after it answered: %+v", r)
		}
		swarmtest.Advance(lateEvery)
		synctest.Wait()
		for _, e := range w.log.Entries()[:6] {
			if len(e.Late) != 1 {
				t.Errorf("seq %d has late answers %+v", e.Seq, e.Late)
			}
		}
	})
}

// TestSwarmOfOneIsNotLockedOut: the only driver is unresponsive, so the round waits for it.
func TestSwarmOfOneIsNotLockedOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		mute := w.fleet.Join("mute")
		mute.Hold()
		for range swarm.MissesToFlag {
			w.Submit(t.Context(), ordinary(time.Second))
		}
		go func() {
			swarmtest.Advance(500 * time.Millisecond)
			mute.Release()
		}()
		if r := w.Submit(t.Context(), ordinary(time.Second)); r.Status != swarm.Complete ||
			r.Duration != 500*time.Millisecond {
			t.Errorf("got %+v", r)
		}
	})
}
