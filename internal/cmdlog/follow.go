package cmdlog

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Notify registers told, which receives each append in the order of the log. told must be fast: the next append waits
// for it. Notify is called once. Until then, a shared log stands still: only Append, Reach and CatchUp move it, and
// what others appended meanwhile goes to the Replay function.
func (l *Log) Notify(told func(swarm.Appended)) {
	l.appending.Lock()
	defer l.appending.Unlock()
	l.mu.Lock()
	l.told = told
	l.mu.Unlock()
	if l.tail != nil {
		l.tail.open()
	}
}

// Records returns up to limit records after a position, in order; none at the end. Positions whose loss was accepted
// are left out.
func (l *Log) Records(ctx context.Context, after uint64, limit int) ([]swarm.Stored, error) {
	var out []swarm.Stored
	for pos, last := after+1, l.end(); pos <= last && len(out) < limit; pos++ {
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

// end returns the position of the last record that can be read.
func (l *Log) end() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stored
}

// Events returns the first records that q selects, in order, each with its command. It reads no other records.
func (l *Log) Events(ctx context.Context, q swarm.EventQuery) ([]*swarm.Event, error) {
	issued := map[uint64]*swarm.Issued{}
	var out []*swarm.Event
	for _, pos := range l.index.recordsOf(q) {
		r, err := l.read(ctx, pos)
		if err != nil {
			return nil, err
		}
		e := &swarm.Event{Stored: swarm.Stored{Position: pos, Record: r}}
		if e.Issued, err = l.commandOf(ctx, e.Stored, issued); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// commandOf returns the command that a record belongs to, nil for none. read contains the commands of the records
// before it.
func (l *Log) commandOf(ctx context.Context, s swarm.Stored, read map[uint64]*swarm.Issued) (*swarm.Issued, error) {
	seq := s.Seq()
	if r, ok := s.Record.(*swarm.Issued); ok {
		read[seq] = r
	}
	if _, ok := l.index.entry(seq); !ok || seq > s.Position || read[seq] != nil {
		return read[seq], nil
	}
	r, err := record[*swarm.Issued](ctx, l, seq)
	read[seq] = r
	return r, err
}

// Absent returns the positions from after+1 to upTo that have no record, because their loss was accepted.
func (l *Log) Absent(after, upTo uint64) []swarm.Span { return l.index.holes(after, upTo) }
