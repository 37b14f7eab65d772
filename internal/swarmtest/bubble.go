package swarmtest

import "time"

// Advance lets d pass in a synctest bubble, where that takes no time. What falls due at its very end may not have been
// done yet: synctest.Wait waits for that.
func Advance(d time.Duration) { <-time.After(d) }
