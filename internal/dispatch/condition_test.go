package dispatch

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// from returns a submitter's command to some drivers, with this if_seq; -1 for none. With players below 0, it is a
// Stop.
func from(submitter string, ifSeq int, players int64, ids ...string) swarm.Submission {
	s := swarm.Submission{
		Submitter: submitter, Command: swarm.Command{Type: command.SetPlayers,
			Value: players}, Deadline: time.Second, Target: swarm.Target{
			DriverIDs: ids,
		},
	}
	if players < 0 {
		s.Command = swarm.Command{Type: command.Stop}
	}
	if ifSeq >= 0 {
		seq := uint64(ifSeq)
		s.IfSeq = &seq
	}
	return s
}

// TestWhoIsConcerned: commands to other drivers never violate the condition, however similar the targets are; an if_seq
// above all commands is accepted.
func TestWhoIsConcerned(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, id := range []string{"a", "b"} {
			w.fleet.Join(id)
		}
		ours := w.Submit(t.Context(), from("ci", -1, 5, "a")).Seq
		theirs := w.Submit(t.Context(), from("ops", -1, 7, "b")).Seq
		if r := w.Submit(t.Context(), from("ci", int(ours), 6, "a")); r.Err != "" {
			t.Errorf("a command to another driver concerns us: %+v", r)
		}
		if r := w.Submit(t.Context(), from("ci", int(ours), 6, "a", "b")); r.Err != swarm.CodeNewerCommand {
			t.Errorf("a target with a driver of theirs: %+v", r)
		}
		if r := w.Submit(t.Context(), from("ci", 1_000_000, 6, "b")); r.Err != "" {
			t.Errorf("an if_seq above all: %+v", r)
		}
		if r := w.Submit(t.Context(), from("ops", int(theirs), 8, "b")); r.Err != swarm.CodeNewerCommand {
			t.Errorf("after that: %+v", r)
		}
	})
}

// TestTheConditionIsStored: it is stored with its base. A chain of conditional commands of one submitter shares one
// base; commands of other submitters do not inherit it.
func TestTheConditionIsStored(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		first := w.Submit(t.Context(), from("ops", -1, 1, "a")).Seq
		second := w.Submit(t.Context(), from("ci", int(first), 2, "a")).Seq
		third := w.Submit(t.Context(), from("ci", int(second), 3, "a")).Seq
		other := w.Submit(t.Context(), from("ops", int(third), 4, "a")).Seq
		ahead := w.Submit(t.Context(), from("ci", 1_000_000, 5, "a")).Seq
		for seq, want := range map[uint64]*swarm.Condition{
			first: nil, second: {IfSeq: first, Base: first}, third: {IfSeq: second, Base: first},
			other: {IfSeq: third, Base: third},
			ahead: {IfSeq: 1_000_000, Base: other}, // the client cannot have seen a seq that did not exist yet
		} {
			e, err := w.log.Entry(t.Context(), seq)
			if got := e.Issued.Condition; err != nil || (got == nil) != (want == nil) || got != nil && *got != *want {
				t.Errorf("seq %d: %+v, want %+v", seq, got, want)
			}
		}
	})
}

// TestAChainIsFollowedThroughTheLog: the fleet has forgotten the command that if_seq names, but the log has it.
func TestAChainIsFollowedThroughTheLog(t *testing.T) {
	inIdleWorld(t, func(t *testing.T, w *world) {
		past := &swarm.Issued{
			Submitter: "ci", Command: swarm.Command{Type: command.SetPlayers}, Targets: []string{},
			Deadline: time.Second, Condition: &swarm.Condition{IfSeq: 9, Base: 3},
		}
		closed := &swarm.Closed{Seq: 1}
		w.log.Add(past, closed)
		w.fleet.Reset(2)
		w.start()
		w.fleet.Join("a")
		w.fleet.Reset(3) // so that the fleet knows a record that is newer than if_seq
		for _, who := range []string{"ci", "ops"} {
			s := from(who, 1, 5, "a")
			if _, err := w.d.Submit(t.Context(), s); swarm.CodeOf(err) != swarm.CodeNewerCommand {
				t.Errorf("%s: %v, want the reset in the way", who, err)
			}
		}
		base, err := w.d.base(1, "ci")
		if base != 3 || err != nil {
			t.Errorf("base %d, %v, want 3", base, err)
		}
		if base, err := w.d.base(1, "ops"); base != 1 || err != nil {
			t.Errorf("of another submitter: base %d, %v, want 1", base, err)
		}
	})
}

// TestADriverOfAnotherSubmitterIsLeftOut: b joins after a run began, and a Stop of another submitter holds for b that
// is newer than the base of the run. The run continues for its own drivers, and is refused when it has none.
func TestADriverOfAnotherSubmitterIsLeftOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.fleet.Join("a")
		base := w.Submit(t.Context(), from("ops", -1, 1)).Seq
		theirs := w.Submit(t.Context(), from("ops", -1, -1, "b")).Seq // b is not connected: it concerns no driver yet
		ours := w.Submit(t.Context(), from("ci", int(base), 5)).Seq
		b := w.fleet.Join("b")
		next := submitAndWait(t, w, from("ci", int(ours), 6))
		if got := next.Issued.LeftOut; len(next.Issued.Targets) != 1 || len(got) != 1 ||
			got[0] != (swarm.LeftOut{DriverID: "b", Reason: swarm.LeftOutOtherRun}) {
			t.Errorf("targets %v, left out %+v, want b to be left to the other", next.Issued.Targets, got)
		}
		if len(b.Applied()) != 0 {
			t.Errorf("b received %v", b.Applied())
		}
		a.Lose(swarm.ReasonDisconnected)
		_, err := w.d.Submit(t.Context(), from("ci", int(next.Seq), 7))
		if e, ok := errors.AsType[*swarm.Error](err); !ok || e.Code != swarm.CodeNewerCommand ||
			e.Attrs["seq"] != theirs {
			t.Errorf("with no driver of its own: %v, want to be told of seq %d", err, theirs)
		}
	})
}

// TestPreview returns what a command would do, or its refusal, and changes nothing.
func TestPreview(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.fleet.Join("a")
		w.fleet.Join("b").Hang()
		w.Submit(t.Context(), from("ci", -1, 5))
		before := len(w.log.Records())
		s := from("ci", -1, 12)
		s.Command.Total, s.Key, s.RequestHash = true, "k", make([]byte, 32)
		for range 3 {
			i, err := w.d.Preview(t.Context(), s)
			if err != nil || len(i.Targets) != 1 || len(i.LeftOut) != 1 ||
				i.LeftOut[0] != (swarm.LeftOut{DriverID: "b", Reason: swarm.LeftOutStale}) || i.Split[0] != 12 {
				t.Fatalf("%+v %v", i, err)
			}
		}
		never := uint64(0)
		for want, bad := range map[swarm.Code]swarm.Submission{
			swarm.CodeNewerCommand: from("ci", int(never), 1), swarm.CodeNoActiveDrivers: from("ci", -1, 1, "x"),
			swarm.CodeInvalidCommand: from("", -1, 1),
		} {
			if _, err := w.d.Preview(t.Context(), bad); swarm.CodeOf(err) != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if got := len(w.log.Records()); got != before || len(a.Applied()) != 1 {
			t.Errorf("%d records and %d commands applied, want %d and 1", got, len(a.Applied()), before)
		}
		if e := submitAndWait(t, w, s); e.Issued.Key != "k" {
			t.Errorf("the key was used up: %+v", e.Issued)
		}
	})
}

// TestWhoIsLeftOut: the entry names the left-out drivers, so a total over three of six is not complete.
func TestWhoIsLeftOut(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		w.fleet.Join("b").Hang()
		w.fleet.Join("c").Hang()
		for _, s := range []swarm.Submission{from("ci", -1, 5), from("ci", -1, -1), total(10)} {
			e := submitAndWait(t, w, s)
			if got := e.Issued.LeftOut; len(got) != 2 || got[0].DriverID != "b" || got[1].DriverID != "c" ||
				got[1].Reason != swarm.LeftOutStale {
				t.Errorf("%s: left out %+v", s.Command.Type, got)
			}
		}
	})
}

// TestExpiredTakesThePlaceOfLoad: the record is written only while no driver matches, and does not break a chain.
func TestExpiredTakesThePlaceOfLoad(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.fleet.Join("a")
		w.fleet.Join("b")
		seq := w.Submit(t.Context(), from("ci", -1, 700, "a")).Seq
		expired := &swarm.Expired{Replaced: seq, Target: swarm.Target{DriverIDs: []string{"a"}}, Cause: "nobody"}
		w.d.Expire([]*swarm.Expired{expired}) // its driver is connected
		w.Submit(t.Context(), from("ops", -1, 1, "b"))
		if n := countExpired(w.log); n != 0 {
			t.Fatalf("%d commands expired though their driver is there", n)
		}
		a.Lose(swarm.ReasonDisconnected)
		for range 2 { // as two nodes request it
			w.d.Expire([]*swarm.Expired{expired})
			w.Submit(t.Context(), from("ops", -1, 1, "b"))
			if n := countExpired(w.log); n != 1 {
				t.Fatalf("%d commands expired, want 1", n)
			}
		}
	})
}

func countExpired(log *swarmtest.MemLog) (n int) {
	for _, r := range log.Records() {
		if _, ok := r.(*swarm.Expired); ok {
			n++
		}
	}
	return n
}

// TestAStopWithoutDrivers: the refusal says whether there is nothing to stop, or whether the target looks wrong.
func TestAStopWithoutDrivers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for _, tc := range []struct {
			target swarm.Target
			left   bool
		}{{swarm.Target{}, true}, {swarm.Target{Labels: map[string]string{"zone": "eu"}},
			false}, {swarm.Target{DriverIDs: []string{"x"}}, false}} {
			_, err := w.d.Submit(t.Context(), stopFor(tc.target))
			e, ok := errors.AsType[*swarm.Error](err)
			if !ok || e.Code != swarm.CodeNoActiveDrivers || e.Attrs["nothing_to_stop"] != tc.left {
				t.Errorf("%v: %v %+v", tc.target, err, e)
			} else if _, ok := e.Attrs["in_use"].(swarm.InUse); !ok {
				t.Errorf("%v: %+v does not report what is in use", tc.target, e.Attrs)
			}
		}
	})
}

// TestARefusalSaysWhatIsInUse: it names the parts of its target that are in use, whatever the command is.
func TestARefusalSaysWhatIsInUse(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a").Hang()
		w.fleet.Join("b")
		for _, command := range []swarm.Command{{Type: command.SetPlayers, Value: 1},
			{Type: command.SetSpawnDelay, Value: 1}} {
			for code, ids := range map[swarm.Code][]string{
				swarm.CodeNoActiveDrivers: {"a", "x"}, swarm.CodeNotEnoughDrivers: {"a", "b", "x"},
			} {
				s := swarm.Submission{Submitter: "ci", Command: command, Target: swarm.Target{DriverIDs: ids},
					Deadline: time.Second, MinDrivers: 2}
				_, err := w.d.Submit(t.Context(), s)
				e, ok := errors.AsType[*swarm.Error](err)
				if !ok || e.Code != code {
					t.Fatalf("%v: %v", ids, err)
				}
				in, _ := e.Attrs["in_use"].(swarm.InUse)
				if want := ids[:len(ids)-1]; !slices.Equal(in.DriverIDs, want) {
					t.Errorf("%v: in use are %v", ids, in)
				}
				if _, ok := e.Attrs["nothing_to_stop"]; ok {
					t.Errorf("%v: %+v speaks of a Stop", ids, e.Attrs)
				}
			}
		}
		_, err := w.d.Submit(t.Context(),
			swarm.Submission{Submitter: "ci", Command: swarm.Command{Type: command.SetPlayers}, Deadline: time.Second,
				MinDrivers: 9})
		if e, ok := errors.AsType[*swarm.Error](err); !ok || e.Attrs["in_use"] != nil || e.Attrs["have"] != 1 {
			t.Errorf("for everybody: %v", err)
		}
	})
}
