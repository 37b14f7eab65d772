// Package feed delivers the records of the log to readers, live and from any position on.
//
// One ring in memory holds the newest records for all readers; a reader that is further behind reads the log itself
// until it has caught up with the ring. So a reader that is slow, or never reads, costs a goroutine and one batch,
// delays no other reader, and misses nothing. The feed has no goroutine of its own: the code that appends to the log
// calls [Feed.Add].
package feed
