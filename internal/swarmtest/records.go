package swarmtest

import (
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Noon is a time with milliseconds for records.
var Noon = time.Date(2026, 11, 24, 12, 0, 0, 123_000_000, time.UTC)

// Issued returns a set_players of submitter to targets, as the node "test" writes it.
func Issued(submitter string, targets ...string) *swarm.Issued {
	return &swarm.Issued{
		Node: "test", Submitter: submitter, Command: swarm.Command{Type: command.SetPlayers, Value: 7, Note: "warm up"},
		Target: swarm.Target{Labels: map[string]string{"region": "eu"}}, Targets: targets, Deadline: 2 * time.Second,
		SubmittedAt: Noon,
	}
}

// Stop returns a stop of submitter to targets.
func Stop(submitter string, targets ...string) *swarm.Issued {
	r := Issued(submitter, targets...)
	r.Command = swarm.Command{Type: command.Stop}
	return r
}

// Closed returns the outcome of the entry seq.
func Closed(seq uint64, verdicts ...swarm.Verdict) *swarm.Closed {
	return &swarm.Closed{
		Seq: seq, Node: "test", ClosedAt: Noon.Add(time.Second), Duration: 1500 * time.Microsecond, Verdicts: verdicts,
	}
}

// Late returns one late answer to the entry seq.
func Late(seq uint64, driver string) *swarm.Late {
	return &swarm.Late{Seq: seq, Node: "test", At: Noon, Acks: []swarm.LateAck{
		{DriverID: driver, Reply: swarm.Reply{Applied: true}, Latency: 2400 * time.Millisecond},
	}}
}
