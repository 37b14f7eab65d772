// Package bench measures the cost of a command on a server. Drivers in this process join the server; commands go only
// to them and wait for their acks. No other driver receives a command, and no load runs. The entries stay in the
// server's log.
package bench
