package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// diskDurations are the bounds of histograms of the log, in seconds: from a write that stays in memory to an append
// that is given up.
var diskDurations = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// Log measures the appends of the log.
type Log struct {
	appends, syncs    prometheus.Observer
	records, failures prometheus.Counter
}

func newLog(b *book) *Log {
	return &Log{
		appends: b.histogram("swarmcall_log_append_duration_seconds",
			"Time of an append, with its sync; commands that arrive together share one.", diskDurations),
		syncs:    b.histogram("swarmcall_log_fsync_duration_seconds", "Time of one sync of the log's file.", diskDurations),
		records:  b.counter("swarmcall_log_records_total", "Records that were appended."),
		failures: b.counter("swarmcall_log_append_failures_total", "Appends that failed, or that a full log refused."),
	}
}

// Appended measures an append.
func (l *Log) Appended(records int, took time.Duration, err error) {
	if err != nil {
		l.failures.Inc()
		return
	}
	l.appends.Observe(took.Seconds())
	l.records.Add(float64(records))
}

// Synced measures a sync.
func (l *Log) Synced(took time.Duration) { l.syncs.Observe(took.Seconds()) }
