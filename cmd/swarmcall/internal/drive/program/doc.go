// Package program turns any program that reads and writes lines into a driver. The program receives commands as JSON on
// its stdin, one per line, and answers and reports on its stdout. It needs no WebSocket, no reconnects and no driver
// lease: this package handles them. docs/howto/drive-exec.md is the contract.
package program
