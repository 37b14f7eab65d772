package trace

import (
	"context"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// retryFeed is how long Follow waits after it could not read.
const retryFeed = time.Second

// Feed delivers the records of the log.
type Feed interface {
	// After returns some of the records after a position, in order, and waits until there is one.
	After(ctx context.Context, position uint64) ([]*swarm.Event, error)
}

// Follow ends the spans of commands whose outcomes are in the log after a position, until ctx ends.
func (t *Tracer) Follow(ctx context.Context, feed Feed, position uint64) {
	if t == nil {
		return
	}
	t.hasRead(position)
	for ctx.Err() == nil {
		events, err := feed.After(ctx, position)
		if err != nil {
			pause(ctx, retryFeed)
			continue
		}
		for _, e := range events {
			if outcome, ok := e.Record.(*swarm.Closed); ok {
				t.ended(e.Issued, outcome)
			}
			position = e.Position
		}
		t.hasRead(position)
	}
}

func (t *Tracer) ended(issued *swarm.Issued, outcome *swarm.Closed) {
	c := t.take(outcome.Seq)
	if c == nil {
		return
	}
	if issued == nil { // its record was lost, and the operator accepted that
		issued = &swarm.Issued{}
	}
	c.ended(swarm.Entry{Seq: outcome.Seq, Issued: issued, Closed: outcome})
}

func (t *Tracer) hasRead(position uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.read = position
	close(t.more)
	t.more = make(chan struct{})
}

// CatchUp waits until Follow has read up to a position, or ctx ends.
func (t *Tracer) CatchUp(ctx context.Context, position uint64) {
	if t == nil {
		return
	}
	for {
		t.mu.Lock()
		read, more := t.read, t.more
		t.mu.Unlock()
		if read >= position {
			return
		}
		select {
		case <-more:
		case <-ctx.Done():
			return
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
