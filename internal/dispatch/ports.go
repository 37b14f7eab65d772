package dispatch

import (
	"context"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Drivers gives access to the known drivers.
type Drivers interface {
	// Members returns the known drivers that q selects, sorted by driver id. Lost says why a driver cannot answer now.
	Members(q swarm.TargetQuery) swarm.Targeted

	// Reach returns what is known about a target that no driver matches, or too few drivers.
	Reach(t swarm.Target) swarm.Reach

	// DeadlineMissed reports the drivers that missed the deadline of one command. After swarm.MissesToFlag missed
	// deadlines in a row, a driver is called unresponsive until its next answer.
	DeadlineMissed(driverIDs []string)
}

// Delivery folds durable records into the desired state and puts commands into the drivers' outboxes. It never blocks.
// Calls come from one goroutine, in seq order. Acks of a command may arrive before Offer has returned.
type Delivery interface {
	// Offer puts a command into the outbox of every matching session. It returns the drivers it could not deliver to,
	// and the commands that this one superseded.
	Offer(swarm.Issue) swarm.Handover

	// Reset folds a reset record: a Stop for every driver. It returns the commands that the Stop superseded.
	Reset(seq uint64) []swarm.Unsent

	// Expire folds an expired record: a Stop replaces a load command.
	Expire(seq uint64, e *swarm.Expired) []swarm.Unsent

	// Settled says that the drivers that Members returned with Choose have been offered their commands, or never will
	// be. Until then a chosen driver must not be disconnected on purpose: it would be missing.
	Settled()
}

// Fold is the desired state as far as conditions need it.
type Fold interface {
	// NewestLoad returns the order of the newest set_players, stop or reset that concerns t, or 0.
	NewestLoad(t swarm.Target) uint64

	// Base returns the base of a load command that still matters: its own base if it is a conditional command of the
	// submitter, else its seq. known is false if the fold has forgotten the command.
	Base(seq uint64, submitter string) (base uint64, known bool)

	// Last returns the seq of the newest command, reset or expired record that was folded.
	Last() uint64
}

// Log is the command log, the source of truth. Several nodes may append to it.
type Log interface {
	// Append makes records durable, one after the other, if the log still ends at the position after; else the error is
	// swarm.ErrConflict, and the log has passed what was appended first to [Dispatcher.Take]. It returns when Take has
	// returned for these records. After an error none of them is in the log.
	Append(ctx context.Context, after uint64, records []swarm.Record) (first uint64, err error)

	// Last returns the position of the last record that Take has received.
	Last() uint64

	// Entry reads an entry with its outcome and late answers.
	Entry(ctx context.Context, seq uint64) (swarm.Entry, error)
}
