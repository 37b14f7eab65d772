// Package sidecar keeps what a server should remember across a restart and what is not worth a record of the log: which
// drivers were known or have left, and the points of the load chart. It is one file beside the log in the data
// directory.
//
// Nothing depends on the file: a missing, torn or unreadable one is ignored with a warning, and the server starts as
// one that remembers nothing. So it is never synced to disk, which would make the appends of the log wait; a checksum
// tells a torn file from a whole one. It is replaced as a whole, by a rename, and never written in place.
//
// The file may be some seconds old after a crash: [Memory.At] says when it was written. A driver that was there then
// was there at least until then. Deregistrations are written soon, because a driver that has left in order must not be
// missed.
package sidecar
