// Package tui is the full-screen view of a swarm: running and desired players, drivers, and the last commands with
// their outcomes. It reads the same lists as other clients, twice a second, and sends no new request while one is
// pending.
package tui
