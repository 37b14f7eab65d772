// Package command is the union of commands, as one table.
//
// A command type is one row of the table: its name, the members of its value, its slot, its bounds, its unit, and how
// it is written. Everything else is derived from the row: what is valid, the JSON of HTTP bodies, frames, exports and
// the command line, which command supersedes which, how a command compares with what a driver reports, and the forms
// of the dashboard. To add a command type, add a row, a member to Fields and, if drivers report it, one to State; the
// tests of the packages that show commands walk the table.
//
// The package has the standard library alone under it, so everything may import it: the server, the SDK of drivers,
// and programs outside this module.
package command
