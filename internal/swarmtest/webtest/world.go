// Package webtest has the data for the tests of the dashboard: a small world that contains everything that can go
// wrong, and fakes of the ports of package web.
package webtest

import (
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Now is the present time of the world.
var Now = time.Date(2026, 11, 25, 12, 4, 31, 0, time.UTC)

// Drivers are three active drivers, a stale and a lost one.
func Drivers() []swarm.Driver {
	d := func(id string, state swarm.DriverState, age time.Duration, players int64, ack uint64) swarm.Driver {
		return swarm.Driver{
			ID: id, State: state, HeartbeatAge: age, Labels: map[string]string{"region": "eu", "zone": id[2:]},
			Version: "1.4.2", ConnectedAt: Now.Add(-time.Hour), RemoteAddr: "192.0.2.7:4711", AppliedSeq: ack,
			LastAck:  &swarm.LastAck{Seq: ack, Latency: 1200 * time.Microsecond},
			Reported: swarm.Report{Players: players, SpawnDelayMS: 20, Running: players > 0},
			Metrics:  map[string]float64{"rps": 412.5, "errors": 0},
		}
	}
	return []swarm.Driver{
		d("d-1", swarm.Active, 200*time.Millisecond, 100, 14),
		d("d-2", swarm.Active, 700*time.Millisecond, 100, 14),
		d("d-3", swarm.Active, 1100*time.Millisecond, 80, 14),
		d("d-4", swarm.Stale, 14*time.Second, 100, 9),
		d("d-5", swarm.Disconnected, 3*time.Minute, 40, 9),
	}
}

// Entries are the newest commands to these drivers, one of each status, newest first.
func Entries() []swarm.Entry {
	ack := func(ms float64) swarm.Verdict {
		return swarm.Verdict{Kind: swarm.Acked, Latency: time.Duration(ms * float64(time.Millisecond))}
	}
	missing := func(r swarm.Reason) swarm.Verdict { return swarm.Verdict{Kind: swarm.Missing, Reason: r} }
	players := func(n int64) swarm.Command { return swarm.Command{Type: command.SetPlayers, Value: n} }
	pending := Entry(16, players(120), 0)
	late := Entry(9, players(40), 2*time.Second, ack(1.1), ack(1.4), ack(900), missing(swarm.ReasonDeadline),
		missing(swarm.ReasonStale))
	late.Late = []swarm.LateAck{{DriverID: "d-4", Reply: swarm.Reply{Applied: true}, Latency: 2400 * time.Millisecond}}
	return []swarm.Entry{
		pending,
		Entry(14, players(100), 2*time.Second, ack(1.2), ack(2.6), ack(340), missing(swarm.ReasonStale),
			missing(swarm.ReasonDisconnected)),
		Entry(12, swarm.Command{Type: command.SetSpawnDelay, Value: 20, Note: "slower for the cache"},
			3*time.Millisecond,
			ack(1), ack(1.3), ack(2.2), ack(2.4), ack(2.9)),
		late,
		Entry(7, swarm.Command{Type: command.Stop}, 4*time.Millisecond, ack(0.8), ack(1), ack(1.2),
			swarm.Verdict{Kind: swarm.Superseded}, swarm.Verdict{Kind: swarm.Superseded}),
		Entry(5, players(1_000_000), time.Millisecond,
			swarm.Verdict{
				Kind: swarm.Rejected, Latency: time.Millisecond, Code: "over_cap",
				Detail: "at most 5,000 players on this machine",
			},
			missing(swarm.ReasonWriteTimeout), missing(swarm.ReasonServerRestart), missing(swarm.ReasonNodeLost),
			missing(swarm.ReasonUnresponsive)),
	}
}

// Entry is a command to d-1, d-2, … one for each verdict; without verdicts it is open and for all five.
func Entry(seq uint64, c swarm.Command, took time.Duration, verdicts ...swarm.Verdict) swarm.Entry {
	all := []string{"d-1", "d-2", "d-3", "d-4", "d-5"}
	submitted := Now.Add(-time.Duration(100-seq) * time.Second)
	e := swarm.Entry{Seq: seq, Issued: &swarm.Issued{
		Node: "local", Submitter: "ci/nightly", Command: c, Targets: all, Deadline: 2 * time.Second,
		SubmittedAt: submitted,
	}}
	if len(verdicts) > 0 {
		e.Issued.Targets = all[:len(verdicts)]
		e.Closed = &swarm.Closed{
			Seq: seq, Node: "local", ClosedAt: submitted.Add(took), Duration: took, Verdicts: verdicts,
		}
	}
	return e
}

// Recently shifts the times of entries, as if Now were the present.
func Recently(entries []swarm.Entry) []swarm.Entry {
	by := time.Since(Now)
	out := make([]swarm.Entry, len(entries))
	for i, e := range entries {
		issued := *e.Issued
		issued.SubmittedAt = issued.SubmittedAt.Add(by)
		out[i] = e
		out[i].Issued = &issued
		if e.Closed != nil {
			closed := *e.Closed
			closed.ClosedAt = closed.ClosedAt.Add(by)
			out[i].Closed = &closed
		}
	}
	return out
}
