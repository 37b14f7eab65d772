package drivers

import "time"

// empty is the policy that load does not wait for drivers that may never come: when the last one deregisters, or none
// has been connected for a while, it has a reset written.
type empty struct {
	after time.Duration
	since time.Time // when the last session ended, or when a reset was asked for last
}

// running tells whether load is desired of any driver.
type running interface{ Running() bool }

// last notes that no driver is connected from now on. It returns the cause of a reset, "" for none.
func (e *empty) last(now time.Time, deregistered bool, load running) (cause string) {
	e.since = now
	if deregistered && load.Running() {
		return "the last driver deregistered"
	}
	return ""
}

// look is called by each sweep. It returns the cause of a reset, "" for none.
func (e *empty) look(now time.Time, open int, load running) (cause string) {
	if open > 0 || now.Sub(e.since) < e.after || !load.Running() {
		return ""
	}
	e.since = now // ask again only if nothing comes of it
	return "no driver was connected for " + e.after.String()
}
