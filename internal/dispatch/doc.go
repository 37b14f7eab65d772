// Package dispatch takes commands from many submitters, puts them in one order, sends each to the drivers it concerns
// and collects exactly one verdict per targeted driver.
//
// The path of a command:
//
//	Submit → sequencer: fix the targets → append Issued, durable → open the round → Delivery.Offer
//	acks, losses, supersessions → round → all decided, or the deadline → append Closed, durable → Call.Wait returns
//
// The package is independent of the transport and of what commands mean: it asks swarm.Command only for its slot. The
// round (round.go) is pure: it has no clock, lock, goroutine or I/O. The rest of the package handles time and channels.
// One goroutine, the sequencer in [Dispatcher.Run], does every append and puts every command into the outboxes; there
// is no goroutine per command or driver.
//
// Locks: the Dispatcher never calls a port while it holds a lock of its own. No port calls back while it is called,
// except Ack.
package dispatch
