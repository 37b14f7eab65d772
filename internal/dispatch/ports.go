package dispatch

import (
	"context"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Fleet is who is there, and a way to hand a command over in seq order.
type Fleet interface {
	// Targets fixes the targets of a command: each active driver that q selects, sorted by driver id, and the known
	// drivers that q selects and that are left out.
	Targets(q swarm.TargetQuery) swarm.Targeted

	// Lost fixes the targets of a Stop when no driver is active: each known driver that q selects, with the reason it
	// would be missing for.
	Lost(q swarm.TargetQuery) swarm.Targeted

	// Reach tells what is known about a target that no driver matches, or too few.
	Reach(t swarm.Target) swarm.Reach

	// Offer folds a durable command into the desired state and hands it to every matching session. It never blocks.
	// Calls come from one goroutine, in seq order. It may call back into the Dispatcher.
	Offer(swarm.Issue)

	// Reset folds a durable reset record. Order and callbacks are as for Offer.
	Reset(seq uint64)

	// Expire folds a durable expired record: a Stop takes the place of a load command. Order and callbacks are as for Offer.
	Expire(seq uint64, e *swarm.Expired)

	// Known reports whether a known driver matches t.
	Known(t swarm.Target) bool

	// NewestLoad returns the place of the newest set_players, stop or reset that concerns t, or 0.
	NewestLoad(t swarm.Target) uint64

	// Base returns the base of a load command that still counts: its own if it is a conditional command of the submitter, else its
	// seq. known is false when the fleet has forgotten the command.
	Base(seq uint64, submitter string) (base uint64, known bool)

	// Last is the seq of the newest command, reset or expired record that was folded.
	Last() uint64

	// Stale reports whether the driver has an open session whose heartbeats are late.
	Stale(driverID string) bool

	// DeadlineMissed tells which drivers let the deadline of one command pass. The fleet calls a driver unresponsive after
	// swarm.MissesToFlag of these in a row, until its next answer.
	DeadlineMissed(driverIDs []string)
}

// Log is the truth. Append returns when all records are durable, with the position of the first; the others follow it
// without a gap. After an error none of them is in the log.
type Log interface {
	Append(ctx context.Context, records []swarm.Record) (first uint64, err error)

	// Entry reads an entry with its outcome and late answers.
	Entry(ctx context.Context, seq uint64) (swarm.Entry, error)
}
