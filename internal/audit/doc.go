// Package audit keeps the audit log: who was refused, and what was done to the access of a server. It is a file of
// NDJSON beside the log in the data directory, audit.ndjson, and some older ones, audit-0000000001.ndjson and so on.
//
//   - [Log.Record] never waits. It puts an event into a bounded queue, which one goroutine writes.
//   - A refusal that repeats one of the last 10 s, by address, code, name and route, is counted. When the 10 s are
//     over, all that were counted are one event. So a flood of one request is two events in 10 s.
//   - An event that cannot be written, because the disk is full or the queue is, is counted too. When writing works
//     again, an event of the kind lost says how many are missing, and since when.
//   - A file that has reached its size is renamed and never written again. The oldest ones are deleted.
//   - Files are never synced to disk, which would delay the appends of the log. A power cut may cost the last seconds.
//     What it leaves of a line is cut off when the file is opened.
//   - [Log.Page] reads from the newest event backwards, block by block. A cursor is a place in a file, so pages have
//     neither gaps nor doubles, whatever is written and renamed meanwhile.
//
// Files may be deleted while the server is stopped. Only one process may write them: the lock of the data directory
// ensures that.
package audit
