// Package webhooks delivers the records of the log to HTTP endpoints, the hooks: one request per record, in order, and
// at least once.
//
// Each hook has a goroutine, which reads the log a batch at a time from its cursor and posts one record after the
// other. A record that is not accepted is tried again until it is, and the ones after it wait in the log: so an
// endpoint that is down costs the memory of one batch. A cursor moves when a record was accepted, and is on disk within
// about a second. A server that was killed therefore sends the last records again, with equal ids.
//
// Requests are signed as Standard Webhooks defines it. The hooks are in a file of the operator, which is read again
// when it changes.
package webhooks
