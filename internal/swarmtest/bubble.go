package swarmtest

import "time"

// Advance lets d pass in a synctest bubble, where that takes no time. Work that is due exactly at its end may not be
// done yet: use synctest.Wait for that.
func Advance(d time.Duration) { <-time.After(d) }
