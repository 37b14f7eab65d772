// Package cmdlog is the append-only command log on an embedded NATS JetStream engine.
//
// The engine runs in the process, without a listener, and writes to its files; the log syncs them. JetStream alone
// keeps no promise the log makes: nothing keeps two processes out of one directory, after an unclean stop damaged bytes
// are cut off silently, and a failed sync is answered by nothing at all. So
//
//   - the directory is locked (lock.go);
//   - the files are read and checked before the engine opens them (open.go, package logfile), and damage refuses the
//     start, or is accepted by the operator and then recorded;
//   - every append is synced once, by the log (append.go, logfile.Tail), before anybody is told of it;
//   - every append writes a mark of what was acknowledged, so that an end that is cut off is missed;
//   - a full log or disk is met before the engine meets it (limits.go);
//   - an append without an answer is settled by reading the end of the log again, and an error of the engine ends the
//     log (append.go, engine.go).
//
// Reading goes through an index in memory (index.go), fed by Open and by Append before it returns: what was answered
// can be read. The records themselves are read from the files, one at a time.
package cmdlog
