// Package tui is the full-screen view of a swarm: players against what was commanded, drivers, and the last commands
// with what came of them. It reads the same lists as everybody, twice a second, and never queues behind a slow server.
package tui
