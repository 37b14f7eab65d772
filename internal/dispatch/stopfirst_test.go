package dispatch

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

const holdForOne = holdBase + holdPerDriver

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
		if closed, ok := appends[2][0].(*swarm.Closed); !ok || len(appends[2]) != 1 || closed.Seq != 2 {
			t.Errorf("the third append: %+v", appends[2])
		}
		if len(appends[3]) != 6 {
			t.Errorf("the fourth append was to have all that waited: %+v", appends[3])
		}
	})
}

// TestAStopGoesBeforeAnswers: a Stop comes while an outcome is being written. Its append begins before the submitter of
// that outcome is answered.
func TestAStopGoesBeforeAnswers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		outcome, answered := make(chan struct{}), false
		w.log.Refuse(func(records []swarm.Record) error {
			switch r := records[0].(type) {
			case *swarm.Closed:
				if r.Seq == 1 {
					<-outcome
				}
			case *swarm.Issued:
				if r.Command.Type != command.Stop {
					break
				}
				if _, open := w.d.Call(1); open {
					t.Error("the outcome is in the log, and its command is still open")
				}
				synctest.Wait() // a submitter that has its answer returns now
				if answered {
					t.Error("the other submitter is answered before the append of the Stop")
				}
			}
			return nil
		})
		var all sync.WaitGroup
		all.Go(func() {
			w.Submit(t.Context(), from("ci", -1, 1, "a"))
			answered = true
		})
		synctest.Wait()
		all.Go(func() { w.Submit(t.Context(), from("ops", -1, -1, "a")) })
		synctest.Wait()
		close(outcome)
		all.Wait()
	})
}

// TestAStopOnItsWayHoldsOthersBack: they wait until the Stop is closed or, with a hung driver, until the hold ends.
func TestAStopOnItsWayHoldsOthersBack(t *testing.T) {
	for name, tc := range map[string]struct{ answersAfter, waits time.Duration }{
		"a driver that answers": {5 * time.Millisecond, 5 * time.Millisecond},
		"a hung driver":         {time.Minute, holdForOne},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				w.fleet.Join("a").Hold()
				w.fleet.Join("b")
				stop, err := w.d.Submit(t.Context(), from("ops", -1, -1, "a"))
				if err != nil {
					t.Fatal(err)
				}
				time.AfterFunc(tc.answersAfter, func() { w.d.Ack("a", stop.Seq(), swarm.Reply{Applied: true}) })
				began := time.Now()
				if _, err := w.d.Submit(t.Context(), from("ci", -1, 1, "b")); err != nil {
					t.Fatal(err)
				}
				if waited := time.Since(began); waited != tc.waits {
					t.Errorf("waited %v, want %v", waited, tc.waits)
				}
				<-time.After(time.Minute) // for the late ack
			})
		})
	}
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
		if slowest > 2*holdForOne+time.Millisecond { // it is issued after one, and its outcome is written after another
			t.Errorf("the slowest of 50 commands took %v beside Stops; one holds others back for %v", slowest,
				holdForOne)
		}
	})
}

// TestManyStopsDoNotKeepOthersOut: a Stop waits at every turn of the others, because an append takes longer than the
// time between two Stops. Commands that must be judged alone, and those beside a Stop to a large swarm, still have
// their turn.
func TestManyStopsDoNotKeepOthersOut(t *testing.T) {
	for name, tc := range map[string]struct {
		drivers int
		other   swarm.Submission
	}{
		"a condition":             {1, from("ci", 0, 1, "other")},
		"a Stop to a large swarm": {maxBatchTargets, from("ci", -1, 1, "other")},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(t *testing.T, w *world) {
				ids := make([]string, tc.drivers)
				for i := range ids {
					ids[i] = fmt.Sprintf("d-%04d", i)
					w.fleet.Join(ids[i])
				}
				w.fleet.Join("other")
				w.log.Refuse(func([]swarm.Record) error { <-time.After(10 * time.Millisecond); return nil })
				ctx, cease := context.WithCancel(t.Context())
				var stops sync.WaitGroup
				stops.Go(func() {
					for ctx.Err() == nil {
						stops.Go(func() { w.Submit(t.Context(), from("ops", -1, -1, ids...)) })
						<-time.After(4 * time.Millisecond)
					}
				})
				<-time.After(50 * time.Millisecond) // several Stops wait now
				limited, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if r := w.Submit(limited, tc.other); r.Counts.Acked != 1 {
					t.Errorf("beside Stops: %+v", r)
				}
				cease()
				stops.Wait()
			})
		})
	}
}

// TestAStopReleasesOnlyItsOwnHold: a short Stop that is closed does not end the hold of one that is still on its way.
func TestAStopReleasesOnlyItsOwnHold(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("hung").Hold()
		w.fleet.Join("b")
		if _, err := w.d.Submit(t.Context(), from("ops", -1, -1, "hung")); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		<-time.After(time.Millisecond)
		if r := w.Submit(t.Context(), from("ops", -1, -1, "b")); r.Counts.Acked != 1 {
			t.Errorf("%+v", r)
		}
		if _, err := w.d.Submit(t.Context(), from("ci", -1, 1, "b")); err != nil {
			t.Fatal(err)
		}
		if waited := time.Since(began); waited != holdForOne {
			t.Errorf("the other command waited %v, want %v", waited, holdForOne)
		}
		<-time.After(time.Minute)
	})
}

// TestAHoldDoesNotSpin: while a Stop holds other commands back and the log refuses its outcome, the sequencer waits
// before it tries again.
func TestAHoldDoesNotSpin(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		appends := 0
		w.log.Refuse(func(records []swarm.Record) error {
			_, isIssued := records[0].(*swarm.Issued)
			if appends++; isIssued || appends > 10 {
				return nil
			}
			return errors.New("disk full")
		})
		var all sync.WaitGroup
		all.Go(func() { w.Submit(t.Context(), from("ops", -1, -1, "a")) })
		synctest.Wait()
		if appends > 3 {
			t.Errorf("%d appends before any time had passed", appends)
		}
		all.Go(func() { w.Submit(t.Context(), from("ci", -1, 1, "a")) })
		all.Wait()
	})
}
