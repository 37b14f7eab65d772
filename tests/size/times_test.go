package size

import (
	"slices"
	"testing"
	"time"
)

// times are the durations of repeated measurements.
type times []time.Duration

func (t times) percentile(percent int) time.Duration {
	sorted := slices.Sorted(slices.Values(t))
	return sorted[len(sorted)*percent/100]
}

// compare reports the medians of two kinds of turns in milliseconds, and returns the ratio of the second to the first.
func compare(b *testing.B, what string, without, with times) (ratio float64) {
	b.Helper()
	alone, beside := without.percentile(50).Seconds()*1000, with.percentile(50).Seconds()*1000
	b.ReportMetric(alone, what+"-ms-alone")
	b.ReportMetric(beside, what+"-ms-beside")
	b.ReportMetric(beside/alone, what+"-ratio")
	return beside / alone
}
