package swarmtest

import "time"

// Advance lets d pass in a synctest bubble, where that takes no time. Work that is due exactly at its end may not be
// done yet: use synctest.Wait for that. A timer of no time is not used: in a bubble, with the race detector, receiving
// from it has crashed Go's runtime.
func Advance(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}
