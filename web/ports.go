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

// Fleet provides the drivers, their desired state and their progress. The API gives the same answers; no page computes
// them itself.
type Fleet interface {
	Drivers() []swarm.Driver // by id
	State(q swarm.StateQuery) swarm.State
	// Progress returns the present progress of the drivers of an entry.
	Progress(e swarm.Entry) swarm.Progress
	// Reach returns what is known about a target that no driver matches now.
	Reach(t swarm.Target) swarm.Reach
}

// Commands issues commands.
type Commands interface {
	// Submit issues a command and waits for its outcome.
	Submit(ctx context.Context, s swarm.Submission) (swarm.Entry, error)
}

// Feed provides the events of the log.
type Feed interface {
	Last() uint64
	// After returns the events after a position, in order and at least one: it waits for one until ctx ends.
	After(ctx context.Context, position uint64) ([]*swarm.Event, error)
}
