// Package logfile is the log's format on disk: the stored form of a record, the block files in which the engine keeps
// the records, and the mark next to them. It does not use the engine's code.
//
// The engine cuts off what it cannot read when it opens a log. So [Scan] reads the files first, before anything is
// changed: every frame's checksum, every record's hash, the chain of each writer, the positions without a gap, and the
// mark, which says how far the log has been acknowledged. It continues after damage, so that the report shows what is
// left. [Report.Repair] makes the repairs that lose no acknowledged record; [Report.Salvage] removes the damage that an
// operator accepted.
//
// Reading needs no lock and changes nothing, so `swarmcall log` works on the directory of a running server.
package logfile
