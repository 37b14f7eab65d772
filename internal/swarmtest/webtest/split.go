package webtest

import (
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// SplitDrivers are the drivers after a total: d-1 and d-2 share the total, d-3 and d-4 were left out, d-5 and d-6
// joined later.
func SplitDrivers() []swarm.Driver {
	all := Drivers()
	all[2], all[3], all[4] = all[3], all[4], all[2]
	for i, id := range []string{"d-1", "d-2", "d-3", "d-4", "d-5"} {
		all[i].ID, all[i].Labels = id, map[string]string{"region": "eu", "zone": id[2:]}
	}
	last := all[4]
	last.ID, last.Labels = "d-6", map[string]string{"region": "us", "zone": "6"}
	all = append(all, last)
	for i := range all {
		all[i].AppliedSeq, all[i].Reported.Players = 20, []int64{60, 40, 100, 40, 0, 0}[i]
	}
	all[2].AppliedSeq, all[3].AppliedSeq = 9, 9
	return all
}

// SplitEntries are a total, a Stop that reached no driver, and an old load command, newest first.
func SplitEntries() []swarm.Entry {
	ack := swarm.Verdict{Kind: swarm.Acked, Latency: 2 * time.Millisecond}
	total := Entry(20, swarm.Command{Type: command.SetPlayers, Value: 100, Total: true}, 3*time.Millisecond, ack, ack)
	total.Issued.Target.Labels = map[string]string{"region": "eu"}
	total.Issued.Split = []int64{60, 40}
	total.Issued.LeftOut = []swarm.LeftOut{
		{DriverID: "d-3", Reason: swarm.LeftOutStale}, {DriverID: "d-4", Reason: swarm.LeftOutDisconnected},
	}
	typo := Entry(18, swarm.Command{Type: command.Stop}, time.Millisecond, ack)
	typo.Issued.Targets, typo.Closed.Verdicts, typo.Issued.Target.Labels = nil, nil, map[string]string{"zone": "eu"}
	old := Entry(9, swarm.Command{Type: command.SetPlayers, Value: 700}, 3*time.Millisecond, ack)
	old.Issued.Targets, old.Issued.Target.Labels = []string{"d-7"}, map[string]string{"region": "us"}
	return []swarm.Entry{total, typo, old}
}

// Withdrawals are the records with which the server itself withdrew load.
func Withdrawals() []swarm.Stored {
	return []swarm.Stored{
		{Position: 1, Record: &swarm.Reset{At: Now.Add(-time.Hour), Cause: "a new log"}},
		{Position: 15, Record: &swarm.Expired{
			At: Now.Add(-time.Minute), Replaced: 9, Target: swarm.Target{Labels: map[string]string{"region": "us"}},
			Cause: "no known driver has matched its target for 10m0s",
		}},
	}
}
