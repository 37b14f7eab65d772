package httpload

import (
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// The figures cover a sliding window, in steps of a second, so that a heartbeat reports the present and not the whole
// run.
const (
	windowSlots = 5
	slotLength  = time.Second
	maxLatency  = 10 * time.Minute // longer latencies count as this
)

// meter counts results, in bounded memory.
type meter struct {
	mu    sync.Mutex
	began time.Time
	slots [windowSlots]slot
	merge *hdrhistogram.Histogram
}

// slot counts the results of one second.
type slot struct {
	number    int64 // of the second since the meter began
	errors    int64
	latencies *hdrhistogram.Histogram // µs; its count is that of all results
}

func newMeter(now time.Time) *meter {
	histogram := func() *hdrhistogram.Histogram { return hdrhistogram.New(1, maxLatency.Microseconds(), 3) }
	m := &meter{began: now, merge: histogram()}
	for i := range m.slots {
		m.slots[i] = slot{number: -1, latencies: histogram()}
	}
	return m
}

// count records one result.
func (m *meter) count(now time.Time, latency time.Duration, failed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	number := m.number(now)
	s := &m.slots[number%windowSlots]
	if s.number != number {
		s.number, s.errors = number, 0
		s.latencies.Reset()
	}
	_ = s.latencies.RecordValue(min(max(latency, time.Microsecond), maxLatency).Microseconds()) // within its bounds
	if failed {
		s.errors++
	}
}

func (m *meter) number(now time.Time) int64 { return int64(now.Sub(m.began) / slotLength) }

// figures returns the figures of the window, by their names in heartbeats.
func (m *meter) figures(now time.Time) map[string]float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.merge.Reset()
	var failed int64
	current := m.number(now)
	for i := range m.slots {
		if s := &m.slots[i]; s.number > current-windowSlots && s.number >= 0 {
			m.merge.Merge(s.latencies)
			failed += s.errors
		}
	}
	started := time.Duration(max(0, current-windowSlots+1)) * slotLength
	seconds := max((now.Sub(m.began) - started).Seconds(), 0.1)
	figures := map[string]float64{
		"rps":          float64(m.merge.TotalCount()) / seconds,
		"errors_per_s": float64(failed) / seconds,
	}
	if m.merge.TotalCount() == 0 {
		return figures // no results, so no latency
	}
	for name, percentile := range map[string]float64{"latency_p50_ms": 50, "latency_p95_ms": 95, "latency_p99_ms": 99} {
		figures[name] = float64(m.merge.ValueAtQuantile(percentile)) / 1000
	}
	return figures
}
