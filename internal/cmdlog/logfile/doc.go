// Package logfile is how the log lies on disk: the stored form of a record, the block files in which the engine keeps
// the records, and the mark beside them. It knows nothing of the engine's code and starts none.
//
// The engine cuts off what it cannot read when it opens a log. So [Scan] reads the files first, while nothing has been
// changed: every frame's checksum, every record's hash, the chain of each writer, the positions without a gap, and the
// mark, which tells how far the log has been acknowledged. It goes on behind damage, so that the report says what is
// left. [Report.Hint] repairs what no acknowledged record is lost by, [Report.Salvage] what an operator gives up.
//
// Reading needs no lock and changes nothing, so `swarmcall log` works on the directory of a running server.
package logfile
