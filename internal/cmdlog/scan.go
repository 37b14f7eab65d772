package cmdlog

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// scanBatch is how many records one request of the scan asks for.
const scanBatch = 500

// scan reads the whole log in order, checks every record and the chain, and feeds the index.
func (l *Log) scan(ctx context.Context) error {
	info, err := l.engine.stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("cannot read the log's state: %w", err)
	}
	s := info.State
	if s.Msgs > 0 && (s.FirstSeq != 1 || s.NumDeleted != 0) {
		return fmt.Errorf("the log has lost records: it begins at %d, and %d are missing of %d", s.FirstSeq, s.NumDeleted, s.LastSeq)
	}
	for l.last < s.LastSeq {
		before := l.last
		messages, err := jetstreamext.GetBatch(ctx, l.engine.js, streamName, scanBatch,
			jetstreamext.GetBatchSeq(l.last+1), jetstreamext.GetBatchMaxBytes(maxPayload))
		if err != nil {
			return fmt.Errorf("cannot read the log from position %d on: %w", l.last+1, err)
		}
		for m, err := range messages {
			if err != nil {
				return fmt.Errorf("cannot read the log at position %d: %w", l.last+1, err)
			}
			if err := l.replay(m); err != nil {
				return err
			}
		}
		if l.last == before {
			return &DamagedError{l.last + 1, "the engine does not return it"}
		}
	}
	return nil
}

// replay takes one stored record into the log's state.
func (l *Log) replay(m *jetstream.RawStreamMsg) error {
	if m.Sequence != l.last+1 {
		return &DamagedError{l.last + 1, "it is missing"}
	}
	r, prev, own, err := l.codec.decode(m.Sequence, m.Data)
	if err != nil {
		return err
	}
	if prev != l.chain {
		return &DamagedError{m.Sequence, "it does not follow the record before it"}
	}
	l.last, l.chain = m.Sequence, own
	l.index.add(m.Sequence, r)
	if l.cfg.Replay != nil {
		l.cfg.Replay(m.Sequence, r)
	}
	return nil
}
