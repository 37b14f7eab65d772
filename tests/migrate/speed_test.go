package migrate

import (
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/natstest"
)

// BenchmarkMigrate copies a log of 100,000 entries into one server and into three, which sync each append.
func BenchmarkMigrate(b *testing.B) {
	dir := makeLog(b, 100_000)
	for name, servers := range map[string]int{"one server": 1, "three servers": 3} {
		b.Run(name, func(b *testing.B) {
			c := natstest.Start(b, natstest.Options{Servers: servers})
			for b.Loop() {
				began := time.Now()
				ok(b, migrate(dir, c.URLs())...)
				b.ReportMetric(200_010/time.Since(began).Seconds(), "records/s")
				fresh(b, c)
			}
		})
	}
}
