// Package feed tells readers what happens in the log, live and from any position on.
//
// One ring in memory holds the newest records for all readers; a reader that is further back reads the log itself until
// it has caught up with the ring. So a reader that is slow, or never reads, costs a goroutine and one batch, holds
// nobody up, and misses nothing. The feed has no goroutine of its own: who appends to the log tells it by [Feed.Add].
package feed
