// Package command defines the closed set of command types, as one table.
//
// A command type is one row of the table: its name, the fields of its value, its slot, its bounds, its unit, and its
// text forms. Everything else is derived from the row: validation, the JSON of HTTP bodies, frames, exports and the
// command line, which command supersedes which, how a command compares with a driver's report, and the forms of the
// dashboard. To add a command type, add a row, a field in Fields and, if drivers report the value, one in State; the
// tests of the packages that show commands iterate over the table.
//
// The package imports only the standard library, so everything may import it: the server, the driver SDK, and programs
// outside this module.
package command
