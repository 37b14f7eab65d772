package web

import (
	"context"

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
	Last() uint64
	// After returns the events after a position, in order and at least one: it waits for one until ctx ends.
	After(ctx context.Context, position uint64) ([]*swarm.Event, error)
}

// Desired tells what drivers ought to be doing, and how far they are from it.
type Desired interface {
	State() swarm.State
}
