// Package compat runs this version against the last release: the command line, the drivers and the log of either with
// the server of the other. The binaries of the last release are built from git, at the commit that old_test.go names.
// docs/compatibility.md has the matrix.
package compat
