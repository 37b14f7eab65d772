package dispatch

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

func total(players int64) swarm.Submission {
	return swarm.Submission{
		Submitter: "ci", Command: swarm.Command{Type: command.SetPlayers, Value: players, Total: true},
		Deadline: time.Second,
	}
}

// TestTotalsNeverOvershoot: over random weights, caps, capabilities and losses, the acked and the other players add up
// to the total, and so does the split over the remaining drivers.
func TestTotalsNeverOvershoot(t *testing.T) {
	tenThousand(t)
	rapid.Check(t, func(t *rapid.T) {
		c := total(rapid.Int64Range(0, 1_000_000).Draw(t, "total")).Command
		members := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) swarm.Member {
			s := swarm.Member{Share: swarm.Share{Weight: rapid.Uint64Range(1, 5000).Draw(t, "weight"),
				Cap: rapid.Int64Range(0, 50_000).Draw(t, "cap")}}
			if rapid.IntRange(0, 9).Draw(t, "takes") == 0 {
				s.Capabilities = []string{string(command.Stop)}
			}
			return s
		}), 1, 30).Draw(t, "members")
		parts := split(c, members)
		var acked, lost int64
		var left []swarm.Member
		for i, s := range members {
			if !s.Supports(c.Type) && parts[i] != 0 {
				t.Fatalf("a driver that does not take the command got %d players", parts[i])
			}
			if rapid.IntRange(0, 3).Draw(t, "lost") == 0 {
				lost += parts[i]
			} else {
				acked += parts[i]
				left = append(left, s)
			}
		}
		short := (&swarm.Issued{Command: c, Split: parts}).Shortfall()
		if acked+lost+short != c.Value || short < 0 {
			t.Fatalf("acked %d, lost %d, short %d of %d", acked, lost, short, c.Value)
		}
		again := &swarm.Issued{Command: c, Split: split(c, left)}
		var reached int64
		for _, n := range again.Split {
			reached += n
		}
		if reached+again.Shortfall() != c.Value || reached > c.Value {
			t.Fatalf("split again: %d of %d, short %d", reached, c.Value, again.Shortfall())
		}
	})
}

// tenThousand makes rapid try this many inputs in this test.
func tenThousand(t *testing.T) {
	t.Helper()
	checks := flag.Lookup("rapid.checks").Value
	before := checks.String()
	t.Cleanup(func() { _ = checks.Set(before) })
	if err := checks.Set("10000"); err != nil {
		t.Fatal(err)
	}
}

func TestATotalIsSplitAgainForItsSubmitter(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		for i := range 3 {
			w.fleet.Join(fmt.Sprint("d-", i))
		}
		first := submitAndWait(t, w, total(90))
		w.d.Resplit(first.Seq, "lost", []string{"d-9", "d-8", "d-7", "d-6", "d-5", "d-4"})
		synctest.Wait()
		log := w.log.Entries()
		if len(log) != 2 || log[1].Issued.Submitter != "ci" ||
			log[1].Issued.Cause != "split again: d-9, d-8, d-7, d-6, d-5 and more lost" {
			t.Fatalf("the log has %+v", log)
		}
		if got := log[1].Issued.Split; len(got) != 3 || got[0]+got[1]+got[2] != 90 {
			t.Errorf("split %v", got)
		}
	})
}

// TestASplitNeverUndoesAStop: whatever drivers were lost, a later Stop remains in force.
func TestASplitNeverUndoesAStop(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("d-1")
		first := submitAndWait(t, w, total(90))
		stop := submitAndWait(t, w, swarm.Submission{Submitter: "ops", Command: swarm.Command{Type: command.Stop},
			Deadline: time.Second})
		w.d.Resplit(first.Seq, "lost", []string{"d-2"})
		synctest.Wait()
		if log := w.log.Entries(); len(log) != 2 || log[1].Seq != stop.Seq {
			t.Errorf("after the Stop came %+v", log[2:])
		}
	})
}
