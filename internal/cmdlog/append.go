package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// One batch costs about six syncs whatever its size, one publish costs one: so batch from batchFrom records on. batchMost is the
// engine's own limit.
const (
	batchFrom     = 8
	batchMost     = 1000
	appendTimeout = 10 * time.Second
)

// Append makes records durable, in order and without a gap, and returns the position of the first. After an error none of them
// is in the log, with one exception: when the engine cannot tell any more what it stored, the log takes nothing from then on
// and Failed says so. The error is of CodeLogUnavailable. ctx is not waited for: an append never hangs on a request.
func (l *Log) Append(ctx context.Context, records []swarm.Record) (first uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stuck != nil {
		return 0, unavailable(l.stuck)
	}
	stored, chain, err := l.encode(records)
	if err != nil {
		return 0, unavailable(err)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTimeout)
	defer cancel()
	first = l.last + 1
	for done := 0; done < len(stored); {
		n, err := l.publish(ctx, stored[done:], l.last+uint64(done))
		if err == nil {
			done += n
			continue
		}
		if done, err = l.settle(first, stored, err); err != nil {
			return 0, unavailable(err)
		}
	}
	l.last, l.chain = l.last+uint64(len(records)), chain
	for i, r := range records {
		l.index.add(first+uint64(i), r)
	}
	return first, nil
}

func (l *Log) encode(records []swarm.Record) (stored [][]byte, chain sum, err error) {
	chain = l.chain
	for _, r := range records {
		var b []byte
		if b, chain, err = l.codec.encode(r, chain); err != nil {
			return nil, chain, err
		}
		if len(b) > maxPayload {
			return nil, chain, fmt.Errorf("a record of %d bytes is over the limit of %d", len(b), maxPayload)
		}
		stored = append(stored, b)
	}
	return stored, chain, nil
}

// publish stores the first of the records, or a batch of many, after position last, and returns how many that were.
func (l *Log) publish(ctx context.Context, records [][]byte, last uint64) (int, error) {
	if len(records) < batchFrom {
		_, err := l.engine.js.Publish(ctx, subject, records[0], jetstream.WithExpectLastSequence(last), jetstream.WithRetryAttempts(0))
		return 1, err
	}
	n := min(len(records), batchMost)
	messages := make([]*nats.Msg, n)
	for i, b := range records[:n] {
		messages[i] = nats.NewMsg(subject)
		messages[i].Data = b
	}
	messages[0].Header.Set(jetstream.ExpectedLastSeqHeader, fmt.Sprint(last))
	_, err := jetstreamext.PublishMsgBatch(ctx, l.engine.js, messages)
	return n, err
}

// settle finds out what a failed publish left in the stream: the end of the log is read again. It returns how many of the
// records are stored. None of several means an honest failure; some mean to go on, for nobody may see half of an append.
func (l *Log) settle(first uint64, stored [][]byte, cause error) (done int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), appendTimeout)
	defer cancel()
	info, err := l.engine.stream.Info(ctx)
	if err != nil {
		return 0, l.fail(fmt.Errorf("the log's end cannot be read after a failed append: %w", errors.Join(cause, err)))
	}
	switch end := info.State.LastSeq; {
	case end < first-1 || end >= first+uint64(len(stored)):
		return 0, l.fail(fmt.Errorf("the log ends at %d after a failed append at %d: somebody else writes to it: %w", end, first, cause))
	case end == first-1:
		return 0, cause
	case refused(cause):
		return 0, l.fail(fmt.Errorf("the log took %d of %d records: %w", end-first+1, len(stored), cause))
	default:
		return int(end - first + 1), nil //nolint:gosec // G115: at most len(stored)
	}
}

// refused reports whether the engine said no, so that trying again changes nothing.
func refused(err error) bool {
	var api jetstream.JetStreamError
	return errors.As(err, &api) && api.APIError() != nil
}

// fail ends the log: what is in it is not known any more, so nothing may be sent on its word.
func (l *Log) fail(err error) error {
	l.stuck = err
	select {
	case l.engine.failed <- err:
	default:
	}
	return err
}

func unavailable(cause error) error {
	return &swarm.Error{Code: swarm.CodeLogUnavailable, Detail: "the log takes no entries at the moment; nothing was sent", Cause: cause}
}
