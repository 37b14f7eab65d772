package size

import (
	"fmt"
	"testing"
)

const (
	heapDrivers  = 1000
	heapCommands = 5000
	heapGrowth   = 100 // MB above idle
)

// BenchmarkHeap measures how much memory commands leave behind: the bytes in use after a garbage collection when all
// commands are closed, minus the bytes before the first command. It has no short form: the memory that the server keeps
// for readers is full only after some hundred commands of this size, and until then a server without a bound looks the
// same.
func BenchmarkHeap(b *testing.B) {
	s := start(b)
	join(s, heapDrivers)
	idle := s.heap()
	for i := range heapCommands {
		setAll(s, i)
	}
	grown := (s.heap() - idle) / 1e6
	for b.Loop() { // only for ns/op, which is not judged here
		setAll(s, 0)
	}
	b.ReportMetric(idle/1e6, "MB-idle")
	b.ReportMetric(grown, "MB-above")
	b.ReportMetric(grown/heapGrowth, "of-bound")
	held(b, "MB above idle after the commands", grown, heapGrowth)
}

func setAll(s *server, players int) {
	s.tb.Helper()
	s.command(fmt.Sprintf(
		`{"submitter":"ci","command":{"type":"set_players","players":%d},"deadline_ms":60000}`, players))
}
