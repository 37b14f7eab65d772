// Package dispatch takes commands from many submitters, puts them in one order, hands each to every driver it concerns
// and gathers exactly one verdict per targeted driver.
//
// The way of a command:
//
//	Submit → sequencer: fix the targets → append Issued, durable → open the round → Delivery.Offer
//	acks, losses, supersessions → round → all decided, or the deadline → append Closed, durable → Call.Wait returns
//
// The package is generic over transport and knows nothing of what a command means: it asks swarm.Command only for its
// slot. The round (round.go) is pure: no clock, lock, goroutine or I/O. The rest is the shell that owns time and
// channels. One goroutine, the sequencer in [Dispatcher.Run], does every append and every hand-over; there is none per
// command or driver.
//
// Locks: the Dispatcher never calls a port with a lock of its own held, and none of its ports calls back while it is
// called, but for Ack.
package dispatch
