package swarm

import (
	"fmt"
	"testing"

	"github.com/swarmcall/swarmcall/command"
)

// BenchmarkDesiredIssue measures one command to a label, next to rules for targets that no longer exist.
func BenchmarkDesiredIssue(b *testing.B) {
	for _, old := range []int{0, 20_000} {
		for _, kind := range []string{"labels", "ids"} {
			b.Run(fmt.Sprintf("%d %s", old, kind), func(b *testing.B) {
				var d Desired
				d.Reset(1)
				seq := uint64(1)
				issue := func(t Target) {
					seq++
					d.Issue(Issue{Seq: seq, Submitter: "ci", Command: Command{Type: command.SetPlayers, Value: 5},
						Target: t})
				}
				for i := range old {
					if kind == "ids" {
						issue(Target{DriverIDs: []string{fmt.Sprint("pod-", i)}})
					} else {
						issue(Target{Labels: map[string]string{"pod": fmt.Sprint(i)}})
					}
				}
				target := Target{Labels: map[string]string{"region": "eu"}}
				for b.Loop() {
					issue(target)
				}
			})
		}
	}
}
