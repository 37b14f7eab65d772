package dispatch

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func stopFor(target swarm.Target) swarm.Submission {
	return swarm.Submission{Submitter: "ci", Command: swarm.Command{Type: command.Stop}, Target: target,
		Deadline: time.Second, MinDrivers: 2}
}

// TestStopIsNotRefusedWithoutActiveDrivers: a Stop for lost drivers is accepted; other commands are refused.
func TestStopIsNotRefusedWithoutActiveDrivers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		if r := w.Submit(t.Context(), stopFor(swarm.Target{})); r.Err != swarm.CodeNoActiveDrivers {
			t.Errorf("nothing to stop, and no driver known: %+v", r)
		}
		a := w.fleet.Join("a")
		w.Submit(t.Context(), ordinary(time.Second))
		a.Hang()
		if r := w.Submit(t.Context(), ordinary(time.Second)); r.Err != swarm.CodeNoActiveDrivers {
			t.Errorf("set_players for a stale driver: %+v", r)
		}
		r := w.Submit(t.Context(), stopFor(swarm.Target{}))
		if r.Status != swarm.Failed || r.Missing["a"] != swarm.ReasonStale || r.Duration != 0 {
			t.Errorf("a stale driver: %+v", r)
		}
		a.Lose(swarm.ReasonDisconnected) // the fake fleet forgets it
		if r := w.Submit(t.Context(), stopFor(swarm.Target{})); r.Err != swarm.CodeNoActiveDrivers {
			t.Errorf("stopped, and no driver known: %+v", r)
		}
	})
}

func TestStopWhileOnlyTheLogKnowsTheLoad(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.fleet.Join("a")
		s := ordinary(time.Second)
		s.Target = swarm.Target{DriverIDs: []string{"a"}}
		w.Submit(t.Context(), s)
		a.Lose(swarm.ReasonDisconnected)
		other := stopFor(swarm.Target{DriverIDs: []string{"b"}})
		if r := w.Submit(t.Context(), other); r.Err != swarm.CodeNoActiveDrivers {
			t.Errorf("a driver that no load is desired of: %+v", r)
		}
		r := w.Submit(t.Context(), stopFor(swarm.Target{DriverIDs: []string{"a", "b"}}))
		if r.Err != "" || r.Status != swarm.Failed || r.Counts.Targeted != 0 || r.Duration != 0 {
			t.Errorf("got %+v, want an entry without targets, closed at once", r)
		}
		again := stopFor(swarm.Target{DriverIDs: []string{"a"}})
		if r := w.Submit(t.Context(), again); r.Err != swarm.CodeNoActiveDrivers {
			t.Errorf("once more: %+v", r)
		}
	})
}

// TestMinDriversAppliesToAStopWithActiveDrivers: the exception applies only if no driver is active.
func TestMinDriversAppliesToAStopWithActiveDrivers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		_, err := w.d.Submit(t.Context(), stopFor(swarm.Target{}))
		if e, ok := errors.AsType[*swarm.Error](err); !ok || e.Code != swarm.CodeNotEnoughDrivers {
			t.Errorf("got %v", err)
		}
	})
}

func TestConflictingAnswerIsCountedAndChangesNothing(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a").Hold()
		w.fleet.Join("b").Hold()
		call, err := w.d.Submit(t.Context(), ordinary(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		w.d.Ack("a", call.Seq(), swarm.Reply{Applied: true})
		w.d.Ack("a", call.Seq(), swarm.Reply{Applied: true})
		w.d.Ack("a", call.Seq(), swarm.Reply{Code: "second_thoughts"})
		w.d.Ack("b", call.Seq(), swarm.Reply{Code: "no"})
		w.d.Ack("b", call.Seq(), swarm.Reply{Applied: true})
		e, err := call.Wait(t.Context())
		if n := e.Counts(); err != nil || n.Acked != 1 || n.Rejected != 1 || w.d.Conflicts() != 2 {
			t.Errorf("%+v, %d conflicts, %v", n, w.d.Conflicts(), err)
		}
	})
}

// TestRecall: a driver that missed a Stop before the server restarted answers it after it reconnects.
func TestRecall(t *testing.T) {
	inIdleWorld(t, func(t *testing.T, w *world) {
		issued := &swarm.Issued{Submitter: "ci", Command: swarm.Command{Type: command.Stop},
			Targets: []string{"a", "b", "c"}, Deadline: time.Second}
		missing := swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDisconnected}
		closed := &swarm.Closed{
			Seq: 1, ClosedAt: time.Now(), Verdicts: []swarm.Verdict{{Kind: swarm.Acked}, missing, missing},
		}
		late := &swarm.Late{Seq: 1, Acks: []swarm.LateAck{{DriverID: "c"}}}
		w.log.Add(issued, closed, late)
		w.d.Recall(w.log.Entries())
		w.start()
		swarmtest.Advance(time.Hour)
		for _, id := range []string{"a", "b", "c"} {
			latency, counted := w.d.Ack(id, 1, swarm.Reply{Applied: true})
			if counted != (id == "b") || counted && latency != time.Hour {
				t.Errorf("%s: counted %v, latency %v", id, counted, latency)
			}
		}
		swarmtest.Advance(lateEvery)
		synctest.Wait()
		if e := w.log.Entries()[0]; len(e.Late) != 2 || e.Late[1].DriverID != "b" {
			t.Errorf("late: %+v", e.Late)
		}
	})
}
