// Package cmdlog is the append-only command log on an embedded NATS JetStream engine.
//
// The engine runs in the process, without a listener, and syncs every append to disk. JetStream alone keeps no promise the log
// makes: nothing keeps two processes out of one directory, and after an unclean stop damaged bytes are cut off silently. So the
// directory is locked (lock.go), every record carries its own hash and the hash of the record before it (record.go), and Open
// reads the whole log, checks it and refuses to start on damage (scan.go).
//
// Reading goes through an index in memory (index.go), fed by Open and by Append before it returns: what was answered can be read.
package cmdlog
