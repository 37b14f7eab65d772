package dispatch

import (
	"context"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Drivers is who is known.
type Drivers interface {
	// Members returns the known drivers that q selects, sorted by driver id, each with the reason why it cannot answer
	// now, if there is one.
	Members(q swarm.TargetQuery) swarm.Targeted

	// Reach tells what is known about a target that no driver matches, or too few.
	Reach(t swarm.Target) swarm.Reach

	// DeadlineMissed tells which drivers let the deadline of one command pass. A driver is called unresponsive after
	// swarm.MissesToFlag of these in a row, until its next answer.
	DeadlineMissed(driverIDs []string)
}

// Delivery folds durable records into the desired state and hands commands to the drivers. It never blocks. Calls come
// from one goroutine, in seq order. Acks of a command may come before Offer has returned.
type Delivery interface {
	// Offer hands a command to every matching session, and returns what it could not deliver, and what it took the
	// place of.
	Offer(swarm.Issue) swarm.Handover

	// Reset folds a reset record: a Stop for every driver. It returns what that took the place of.
	Reset(seq uint64) []swarm.Unsent

	// Expire folds an expired record: a Stop takes the place of a load command.
	Expire(seq uint64, e *swarm.Expired) []swarm.Unsent
}

// Fold is the desired state as far as conditions need it.
type Fold interface {
	// NewestLoad returns the place of the newest set_players, stop or reset that concerns t, or 0.
	NewestLoad(t swarm.Target) uint64

	// Base returns the base of a load command that still counts: its own if it is a conditional command of the
	// submitter, else its seq. known is false when the fold has forgotten the command.
	Base(seq uint64, submitter string) (base uint64, known bool)

	// Last is the seq of the newest command, reset or expired record that was folded.
	Last() uint64
}

// Log is the truth. Append returns when all records are durable, with the position of the first; the others follow it
// without a gap. After an error none of them is in the log.
type Log interface {
	Append(ctx context.Context, records []swarm.Record) (first uint64, err error)

	// Entry reads an entry with its outcome and late answers.
	Entry(ctx context.Context, seq uint64) (swarm.Entry, error)
}
