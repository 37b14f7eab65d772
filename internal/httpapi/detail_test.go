package httpapi

import (
	"fmt"
	"testing"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// TestHowMuchOfASplitIsShown: all of it in a complete entry, else the beginning; the shortfall is always complete.
func TestHowMuchOfASplitIsShown(t *testing.T) {
	i := &swarm.Issued{Command: swarm.Command{Type: command.SetPlayers, Value: 600, Total: true}}
	for n := range 150 {
		i.Targets = append(i.Targets, fmt.Sprintf("d-%03d", n))
		i.Split = append(i.Split, 3)
	}
	for d, want := range map[detail]int{whole: 150, minimal: itemVerdicts, asItem: itemVerdicts} {
		out := entryOf(swarm.Entry{Seq: 2, Issued: i}, d)
		got := *out.Split
		if len(got) != want || got[99].DriverId != "d-099" || *out.Shortfall != 150 || out.Counts.Targeted != 150 {
			t.Errorf("detail %d: %d parts, short of %d, %+v", d, len(got), *out.Shortfall, out.Counts)
		}
	}
}

// TestAnItemOfABriefEntry: the counts are those of the complete entry.
func TestAnItemOfABriefEntry(t *testing.T) {
	e := swarm.Entry{
		Seq: 2,
		Totals: &swarm.Totals{
			Counts: swarm.Counts{Targeted: 900, Acked: 700, Missing: 200, Late: 1}, LeftOut: 300, Shortfall: 7,
		},
		Issued: &swarm.Issued{
			Command: swarm.Command{Type: command.SetPlayers, Total: true}, Targets: []string{"a", "z"}, Split: []int64{
				1, 2,
			},
			LeftOut: []swarm.LeftOut{{DriverID: "b", Reason: swarm.LeftOutStale}},
		},
		Closed: &swarm.Closed{Seq: 2, Verdicts: []swarm.Verdict{
			{Kind: swarm.Acked}, {Kind: swarm.Missing, Reason: swarm.ReasonDeadline},
		}},
	}
	out := entryOf(e, asItem)
	n := out.Counts
	if n.Targeted != 900 || n.Missing != 200 || *n.LeftOut != 300 || *out.Shortfall != 7 || out.Status != "partial" {
		t.Errorf("%+v, short of %d, %s", n, *out.Shortfall, out.Status)
	}
	if out.Acked != nil || len(out.Missing) != 1 || out.Missing[0].DriverId != "z" || len(*out.LeftOut) != 1 ||
		(*out.Split)[0].DriverId != "a" {
		t.Errorf("%+v", out)
	}
}
