package dispatch

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

func TestFixTargets(t *testing.T) {
	active := swarm.Member{DriverID: "b"}
	stale := swarm.Member{DriverID: "c", Lost: swarm.ReasonStale}
	lost := swarm.Member{DriverID: "a", Lost: swarm.ReasonDisconnected}
	leaving := swarm.Member{DriverID: "d", Lost: swarm.ReasonDisconnected, Retires: true}
	leftOut := func(id string, why swarm.LeftOutReason) swarm.LeftOut {
		return swarm.LeftOut{DriverID: id, Reason: why}
	}
	for name, c := range map[string]struct {
		command command.Type
		in      swarm.Targeted
		targets []swarm.Member
		leftOut []swarm.LeftOut
	}{
		"the active": {
			command.SetPlayers, swarm.Targeted{Members: []swarm.Member{lost, active, stale},
				OtherRun: []string{"bb"}}, []swarm.Member{
				active,
			},
			[]swarm.LeftOut{
				leftOut("a", swarm.LeftOutDisconnected), leftOut("bb", swarm.LeftOutOtherRun),
				leftOut("c", swarm.LeftOutStale),
			},
		},
		"a Stop while one is active": {
			command.Stop, swarm.Targeted{Members: []swarm.Member{lost, active}}, []swarm.Member{active},
			[]swarm.LeftOut{leftOut("a", swarm.LeftOutDisconnected)},
		},
		"a Stop while none is active": {
			command.Stop, swarm.Targeted{Members: []swarm.Member{lost, stale}, OtherRun: []string{"b"}}, []swarm.Member{
				lost, stale,
			},
			[]swarm.LeftOut{leftOut("b", swarm.LeftOutOtherRun)},
		},
		"a Stop while all sessions are about to end": {
			command.Stop, swarm.Targeted{Members: []swarm.Member{lost, leaving}}, []swarm.Member{
				lost, {DriverID: "d", Retires: true},
			}, nil,
		},
		"load while all sessions are about to end": {
			command.SetPlayers, swarm.Targeted{Members: []swarm.Member{leaving}}, nil, []swarm.LeftOut{
				leftOut("d", swarm.LeftOutDisconnected),
			},
		},
		"load while none is active": {
			command.SetPlayers, swarm.Targeted{Members: []swarm.Member{stale}}, nil, []swarm.LeftOut{
				leftOut("c", swarm.LeftOutStale),
			},
		},
		"nobody": {command.Stop, swarm.Targeted{}, nil, nil},
	} {
		targets, left := fixTargets(c.command, c.in)
		if diff := cmp.Diff(c.targets, targets) + cmp.Diff(c.leftOut, left); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestDisconnectedIsBounded: the end of a session does not affect commands that a newer session of the driver received.
func TestDisconnectedIsBounded(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		a := w.fleet.Join("a")
		a.Hold()
		var calls []Receipt
		for range 2 {
			c, err := w.d.Submit(t.Context(), ordinary(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			calls = append(calls, c)
		}
		w.d.Disconnected("a", swarm.ReasonDisconnected, calls[0].Seq())
		synctest.Wait()
		if e := calls[0].Entry(); e.Closed == nil || e.Closed.Verdicts[0].Reason != swarm.ReasonDisconnected {
			t.Errorf("the command that the old session had: %+v", e.Closed)
		}
		a.Release()
		if e, err := calls[1].Wait(t.Context()); err != nil || e.Counts().Acked != 1 {
			t.Errorf("the command that the new session has: %+v, %v", e.Closed, err)
		}
	})
}

// TestUndeliverableTargetsAreDecidedAtOnce: targets that could not be reached, and commands that are not sent to a
// driver.
func TestUndeliverableTargetsAreDecidedAtOnce(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a").Hold()
		w.fleet.Join("b").Hold()
		first, err := w.d.Submit(t.Context(), ordinary(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		w.d.handed(first.Call, swarm.Handover{Undelivered: []string{"a", "stranger"}})
		w.d.handed(first.Call, swarm.Handover{Superseded: []swarm.Unsent{
			{DriverID: "a", Seq: first.Seq()}, {DriverID: "b", Seq: first.Seq()}, {DriverID: "b", Seq: 99},
		}})
		e, err := first.Wait(t.Context())
		want := []swarm.Verdict{{Kind: swarm.Missing, Reason: swarm.ReasonDisconnected}, {Kind: swarm.Superseded}}
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, e.Closed.Verdicts); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}
