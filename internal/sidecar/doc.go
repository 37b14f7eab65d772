// Package sidecar keeps what a server should remember across a restart but what does not belong in the log: which
// drivers were known or have left, and the points of the load chart. It is one file next to the log in the data
// directory.
//
// Nothing depends on the file: a missing, torn or unreadable one is ignored with a warning, and the server starts
// without memory. So it is never synced to disk, which would delay the appends of the log; a checksum distinguishes a
// torn file from a complete one. It is replaced as a whole, by a rename, and never written in place.
//
// The file may be some seconds old after a crash: [Memory.At] says when it was written. A driver that was connected
// then was connected at least until then. Deregistrations are written soon, because a driver that has deregistered must
// not be reported as missing.
package sidecar
