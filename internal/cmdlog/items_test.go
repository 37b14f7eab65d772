package cmdlog

import (
	"fmt"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// BenchmarkItems measures a page of 20 entries with 10,000 targets each: complete, and with lists cut as in GET
// /commands.
func BenchmarkItems(b *testing.B) {
	const targets, entries = 10_000, 60
	l := open(b, b.TempDir())
	defer shut(b, l)
	ids := make([]string, targets)
	verdicts := make([]swarm.Verdict, targets)
	for i := range ids {
		ids[i] = fmt.Sprintf("driver-%05d", i)
		verdicts[i] = swarm.Verdict{Kind: swarm.Acked, Latency: time.Duration(i*7919%90_000) * time.Microsecond}
	}
	for i := 0; i < targets; i += 1000 {
		verdicts[i] = swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDeadline}
	}
	for range entries {
		add(b, l, swarmtest.Closed(add(b, l, swarmtest.Issued("ci", ids...)), verdicts...))
	}
	var whole, brief time.Duration
	for b.Loop() {
		whole += page(b, l, 0)
		brief += page(b, l, 100)
	}
	b.ReportMetric(float64(whole.Microseconds())/float64(b.N*20), "µs/whole")
	b.ReportMetric(float64(brief.Microseconds())/float64(b.N*20), "µs/brief")
	b.ReportMetric(whole.Seconds()/brief.Seconds(), "ratio")
	if whole < briefGain*brief {
		b.Errorf("a page of complete entries takes %v, of brief ones %v: want %d times less", whole, brief, briefGain)
	}
}

// briefGain is how many times faster a page with cut lists must be.
const briefGain = 3

func page(b *testing.B, l *Log, brief int) time.Duration {
	began := time.Now()
	if _, err := l.Page(b.Context(), swarm.Query{Limit: 20, Brief: brief}); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}
