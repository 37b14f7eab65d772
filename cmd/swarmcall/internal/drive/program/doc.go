// Package program makes a driver of any program that reads and writes lines: commands come as JSON on its stdin, one
// per line, and it answers and reports on its stdout. It needs no WebSocket, no reconnects and no lease: the driver
// around it has those. docs/howto/drive-exec.md is its contract.
package program
