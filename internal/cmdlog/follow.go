package cmdlog

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Notify has told called after each append, with the position of the first record, in the order of the log. told must be quick:
// the next append waits for it. Notify is called once, before anybody else appends.
func (l *Log) Notify(told func(first uint64, records []swarm.Record)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = told
}

// Records returns up to limit records after a position, in order; none at the end. Positions that an accepted loss has taken are
// left out.
func (l *Log) Records(ctx context.Context, after uint64, limit int) ([]swarm.Stored, error) {
	var out []swarm.Stored
	for pos, last := after+1, l.Last(); pos <= last && len(out) < limit; pos++ {
		r, err := l.read(ctx, pos)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out = append(out, swarm.Stored{Position: pos, Record: r})
	}
	return out, nil
}
