package webhooks

import (
	"log/slog"
	"time"
)

// The log has a warning when a hook begins to fail, and then one each time that this long has passed: first a minute,
// then twice as long as before, up to an hour. A hook that fails now and then causes no more lines.
const (
	firstWarning = time.Minute
	warnAtLeast  = time.Hour
)

// outage is a time in which a hook gets nothing.
type outage struct {
	logger *slog.Logger

	since    time.Time // zero: there is none
	attempts int
	told     bool // the log has a warning of it
	next     time.Time
	gap      time.Duration // until the warning after the next
}

// failed notes an attempt that failed.
func (o *outage) failed(err error, now time.Time) {
	if o.since.IsZero() {
		o.since, o.attempts = now, 0
	}
	o.attempts++
	if now.Before(o.next) {
		return
	}
	o.gap = min(max(2*o.gap, firstWarning), warnAtLeast)
	o.next, o.told = now.Add(o.gap), true
	o.logger.Warn("cannot deliver to a webhook; trying again, later records wait", "err", err, "attempts", o.attempts,
		"since", o.since.UTC().Format(time.RFC3339))
}

// ended notes that an attempt has succeeded.
func (o *outage) ended(now time.Time) {
	if o.since.IsZero() {
		return
	}
	if o.told {
		o.logger.Info("a webhook accepts deliveries again", "failed_attempts", o.attempts,
			"after", now.Sub(o.since).Round(time.Millisecond))
	}
	o.since, o.told, o.gap = time.Time{}, false, 0
}
