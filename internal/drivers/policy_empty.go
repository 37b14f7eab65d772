package drivers

import "time"

// empty is the policy for a swarm without drivers. When the last driver deregisters, or none has been connected for a
// while, it requests a reset, so that load does not wait for drivers that may never connect.
type empty struct {
	after time.Duration
	since time.Time // when a driver was last connected, or when a reset was last requested
}

// running reports whether any driver has desired load.
type running interface{ Running() bool }

// last records that no driver is connected from now on. It returns the cause of a reset, "" for none.
func (e *empty) last(now time.Time, deregistered bool, load running) (cause string) {
	e.since = now
	if deregistered && load.Running() {
		return "the last driver deregistered"
	}
	return ""
}

// seen records that a driver is connected, or may be.
func (e *empty) seen(now time.Time) { e.since = now }

// check is called by each sweep; open is how many drivers are connected, to any node. It returns the cause of a reset,
// "" for none.
func (e *empty) check(now time.Time, open int, load running) (cause string) {
	if open > 0 || now.Sub(e.since) < e.after || !load.Running() {
		return ""
	}
	e.since = now // request it again only if no reset is written
	return "no driver was connected for " + e.after.String()
}
