package cmdlog

import (
	"fmt"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// BenchmarkAppend is durable records, one at a time and many that waited together; compare ns/record.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			l := open(b, b.TempDir())
			defer shut(b, l)
			records := make([]swarm.Record, n)
			for i := range records {
				records[i] = swarmtest.Issued("bench", "a", "b", "c")
			}
			for b.Loop() {
				if _, err := l.Append(b.Context(), records); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/record")
		})
	}
}

// BenchmarkPage is the newest 50 entries of one submitter.
func BenchmarkPage(b *testing.B) {
	l := open(b, b.TempDir())
	defer shut(b, l)
	for range 10 {
		records := make([]swarm.Record, batchMost)
		for i := range records {
			records[i] = swarmtest.Issued(fmt.Sprintf("s%d", i%10), "a")
		}
		add(b, l, records...)
	}
	for b.Loop() {
		if p, err := l.Page(b.Context(), swarm.Query{Submitter: "s3", Limit: 50}); err != nil || len(p.Entries) != 50 {
			b.Fatal(err)
		}
	}
}
