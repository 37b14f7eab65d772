package dispatch

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// TestStopsHaveAppendsOfTheirOwn: commands, their outcomes and a Stop wait while an append takes its time. The Stop is
// written alone, and its outcome alone, before the others.
func TestStopsHaveAppendsOfTheirOwn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		w.fleet.Join("b").Hold()
		slow := make(chan struct{})
		var appends [][]swarm.Record
		w.log.Refuse(func(records []swarm.Record) error {
			appends = append(appends, slices.Clone(records))
			<-slow
			return nil
		})
		var all sync.WaitGroup
		submit := func(s swarm.Submission) {
			all.Go(func() { w.Submit(t.Context(), s) })
			synctest.Wait()
		}
		submit(from("ci", -1, 1, "a"))
		for range 5 {
			submit(from("flood", -1, 2, "a", "b"))
		}
		submit(from("ops", -1, -1, "a"))
		close(slow)
		all.Wait()
		if _, ok := appends[0][0].(*swarm.Issued); !ok || len(appends[0]) != 1 {
			t.Fatalf("the first append was to have the first command: %+v", appends[0])
		}
		stop, ok := appends[1][0].(*swarm.Issued)
		if !ok || len(appends[1]) != 1 || stop.Command.Type != command.Stop {
			t.Errorf("the second append: %+v", appends[1])
		}
		for _, records := range appends {
			for _, r := range records {
				if c, ok := r.(*swarm.Closed); ok && c.Seq == 3 && len(records) != 1 {
					t.Errorf("the outcome of the Stop was written with others: %+v", records)
				}
			}
		}
	})
}

// TestStopsDoNotKeepOthersOut: with one Stop after the other to a hung driver, commands to others still have their
// turn.
func TestStopsDoNotKeepOthersOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a").Hold()
		w.fleet.Join("b")
		ctx, cease := context.WithCancel(t.Context())
		var stops sync.WaitGroup
		stops.Go(func() {
			for ctx.Err() == nil {
				if _, err := w.d.Submit(t.Context(), from("ops", -1, -1, "a")); err != nil {
					t.Error(err)
				}
				<-time.After(time.Millisecond)
			}
		})
		slowest := time.Duration(0)
		for range 50 {
			<-time.After(7 * time.Millisecond)
			began := time.Now()
			if r := w.Submit(t.Context(), from("ci", -1, 1, "b")); r.Counts.Acked != 1 {
				t.Errorf("%+v", r)
			}
			slowest = max(slowest, time.Since(began))
		}
		cease()
		stops.Wait()
		if slowest > 40*time.Millisecond { // it is issued after one, and its outcome is written after another
			t.Errorf("the slowest of 50 commands took %v beside Stops", slowest)
		}
	})
}
