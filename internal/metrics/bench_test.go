package metrics

import (
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// BenchmarkOutcome measures what the outcome of a command to 10,000 drivers costs.
func BenchmarkOutcome(b *testing.B) {
	const drivers = 10_000
	closed := &swarm.Closed{Seq: 1, Verdicts: make([]swarm.Verdict, drivers)}
	for i := range closed.Verdicts {
		closed.Verdicts[i] = swarm.Verdict{Kind: swarm.Acked, Latency: time.Duration(i) * 3 * time.Microsecond}
	}
	e := &swarm.Event{
		Stored: swarm.Stored{Position: 2, Record: closed}, Issued: &swarm.Issued{Command: swarm.Command{Type: command.Stop}},
	}
	m := New(Build{})
	for b.Loop() {
		m.Commands.take(e)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/drivers, "ns/verdict")
}
