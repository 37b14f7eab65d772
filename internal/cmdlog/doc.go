// Package cmdlog is the append-only command log. Its records are in a NATS JetStream stream: of an engine in this
// process (Open), or of a cluster that several servers share (Connect). engine.go is the seam between the two.
//
// The embedded engine runs without a listener and writes to its files; the log syncs them. JetStream alone does not
// give the guarantees of the log: it lets two processes use one directory, it silently cuts off damaged bytes after an
// unclean stop, and it gives no answer after a failed sync. Therefore:
//
//   - the directory is locked (embedded_lock.go);
//   - the files are read and checked before the engine opens them (embedded_open.go, package logfile), and damage
//     refuses the start, or is accepted by the operator and then recorded;
//   - every append is synced once, by the log (embedded_append.go, logfile.Tail), before it is acknowledged;
//   - every append writes a mark of what was acknowledged, so that a missing end is detected;
//   - a full log or disk is detected before the engine fails on it (limits.go);
//   - an append without an answer is settled by reading the end of the log again, and an error of the engine ends the
//     log (embedded_append.go, embedded.go).
//
// In a shared log one goroutine follows the stream and passes each append, also those of this process (tail.go). It
// decides what became of an append whose answer was lost (tail_append.go).
//
// Reads use an index in memory (index.go), which the start fills and which Append updates before it returns: what was
// acknowledged can be read. The records themselves are read from the engine, one at a time.
package cmdlog
