package dispatch

import (
	"context"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Fleet is who is there, and a way to hand a command over in seq order.
type Fleet interface {
	// Targets returns a seat for each active driver that t selects, sorted by driver id.
	Targets(t swarm.Target) []swarm.Seat

	// Lost returns a seat for each known driver that t selects and that is not active, sorted by driver id, with the reason it
	// would be missing for; loaded tells whether load is desired of any driver, known or not, that t could select.
	Lost(t swarm.Target) (seats []swarm.Seat, loaded bool)

	// Offer folds a durable command into the desired state and hands it to every matching session. It never blocks.
	// Calls come from one goroutine, in seq order. It may call back into the Dispatcher.
	Offer(swarm.Issue)

	// Reset folds a durable reset record. Order and callbacks are as for Offer.
	Reset(seq uint64)

	// NewestPlayers returns the seq of the newest set_players, stop or reset that concerns t, or 0.
	NewestPlayers(t swarm.Target) uint64

	// Stale reports whether the driver has an open session whose heartbeats are late.
	Stale(driverID string) bool

	// Missed tells which drivers let the deadline of one command pass. The fleet calls a driver unresponsive after
	// swarm.MissesToFlag of these in a row, until its next answer.
	Missed(driverIDs []string)
}

// Log is the truth. Append returns when all records are durable, with the position of the first; the others follow it
// without a gap. After an error none of them is in the log.
type Log interface {
	Append(ctx context.Context, records []swarm.Record) (first uint64, err error)

	// Entry reads an entry with its outcome and late answers.
	Entry(ctx context.Context, seq uint64) (swarm.Entry, error)
}
