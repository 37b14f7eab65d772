package web

import (
	"context"
	"iter"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Log reads entries.
type Log interface {
	Entry(ctx context.Context, seq uint64) (swarm.Entry, error)
	Page(ctx context.Context, q swarm.Query) (swarm.Page, error)
}

// Fleet reads the roster.
type Fleet interface {
	Drivers() []swarm.Driver // by id
	Driver(id string) (swarm.Driver, bool)
}

// Commands issues commands.
type Commands interface {
	// Submit issues a command and waits for its outcome.
	Submit(ctx context.Context, s swarm.Submission) (swarm.Entry, error)
}

// Feed tells what happens in the log.
type Feed interface {
	// Subscribe yields each record after a position, in order and with its own position, until ctx ends. A nil record is a gap: what lay
	// between the position before and this one can no longer be had. The sequence may end early, when the reader was too slow to
	// be kept; the reader subscribes again from where it was.
	Subscribe(ctx context.Context, after uint64) iter.Seq2[uint64, swarm.Record]
}

// Desired tells what drivers ought to be doing.
type Desired interface {
	// Desired returns what is desired of a driver with these labels, at most one command per slot.
	Desired(id string, labels map[string]string) []swarm.Wanted
}
