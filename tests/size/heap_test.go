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

// BenchmarkHeap tells how much memory commands leave behind: how many bytes are in use after a collection when the
// commands are closed, above those before the first. It has no short form: what the server keeps of commands for
// readers is full after some hundred commands of this size, and before that a server without a bound looks the same.
func BenchmarkHeap(b *testing.B) {
	s := start(b)
	join(s, heapDrivers)
	idle := s.heap()
	for i := range heapCommands {
		setAll(s, i)
	}
	grown := (s.heap() - idle) / 1e6
	for b.Loop() { // for the time that one takes, which is not what is asked
		setAll(s, 0)
	}
	b.ReportMetric(idle/1e6, "MB-idle")
	b.ReportMetric(grown, "MB-above")
	b.ReportMetric(grown/heapGrowth, "of-bound")
	held(b, "MB above idle after the commands", grown, heapGrowth)
}

func setAll(s *server, players int) {
	s.tb.Helper()
	s.command(fmt.Sprintf(`{"submitter":"ci","command":{"type":"set_players","players":%d},"deadline_ms":60000}`, players))
}
