package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/failpoint"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// One batch costs about six syncs whatever its size, one publish costs one, and a batch more of the engine's time: so batch from
// batchFrom records on, break-even on a disk that syncs in 0.15 ms; a slower one gains from 7 on. batchMost is the engine's limit.
const (
	batchFrom     = 12
	batchMost     = 1000
	appendTimeout = 10 * time.Second
)

// codeStoreFailed is the engine's error when its files fail it, as it does when they are full; that is prevented in limits.go.
const codeStoreFailed = 10077

// Append makes records durable, in order and without a gap, and returns the position of the first. After an error none of them
// is in the log, with one exception: when the engine cannot tell any more what it stored, the log takes nothing from then on
// and Failed says so. The error is of CodeLogUnavailable. ctx is not waited for: an append never hangs on a request.
func (l *Log) Append(ctx context.Context, records []swarm.Record) (first uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if failed := l.engine.failure(); failed != nil {
		return 0, &swarm.Error{Code: swarm.CodeLogUnavailable, Detail: "the log has failed and the server ends; nothing was sent", Cause: failed}
	}
	if len(records) == 0 {
		return l.last + 1, nil
	}
	stored, heads, err := l.encode(records)
	if err != nil {
		return 0, l.unavailable(err)
	}
	bytes := storedBytes(stored)
	if err := l.limits.room(bytes, essential(records)); err != nil {
		return 0, err
	}
	failpoint.Hit(failpoint.BeforeAppend)
	first = l.last + 1
	if err := l.put(context.WithoutCancel(ctx), first, stored); err != nil {
		return 0, l.unavailable(err)
	}
	l.last, l.heads = l.last+uint64(len(records)), heads
	for i, r := range records {
		l.index.add(first+uint64(i), r)
	}
	l.limits.took(bytes)
	l.remember(records)
	if l.told != nil {
		l.told(first, records)
	}
	failpoint.Hit(failpoint.AfterAppend)
	return first, nil
}

func (l *Log) encode(records []swarm.Record) (stored [][]byte, heads logfile.Heads, err error) {
	heads = l.heads.Clone()
	for i, r := range records {
		writer := logfile.Writer(r)
		b, own, err := l.codec.Encode(r, heads[writer].Sum)
		if err != nil {
			return nil, nil, err
		}
		if len(b) > maxPayload {
			return nil, nil, fmt.Errorf("a record of %d bytes is over the limit of %d", len(b), maxPayload)
		}
		stored = append(stored, b)
		heads[writer] = logfile.Head{Position: l.last + 1 + uint64(i), Sum: own}
	}
	return stored, heads, nil
}

// put stores all of the records or none.
func (l *Log) put(ctx context.Context, first uint64, stored [][]byte) error {
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	defer context.AfterFunc(l.engine.alive, cancel)() // a failed disk gives no answer
	for done, before := 0, -1; done < len(stored); {
		n, err := l.store.publish(ctx, stored[done:], first-1+uint64(done))
		if err == nil {
			done += n
			continue
		}
		if done, err = l.settle(first, stored, err); err != nil {
			return err
		}
		if done == before {
			return l.fail(fmt.Errorf("the log took %d of %d records and takes no more", done, len(stored)))
		}
		before = done
	}
	return nil
}

// remember writes the mark. The records are durable whatever comes of it; but a log that cannot write eight bytes takes no more.
func (l *Log) remember(records []swarm.Record) {
	id, epoch := l.index.identity()
	err := l.mark.Update(func(m *logfile.Mark) {
		m.Position, m.Sum = l.last, l.heads[logfile.Writer(records[len(records)-1])].Sum
		m.LogID, m.Epoch = id, epoch
	})
	if err != nil {
		_ = l.fail(fmt.Errorf("the log's mark file cannot be written: %w", err)) // told by Failed
	}
}

// settle finds out what a failed publish left in the stream: the end of the log is read again. It returns how many of the
// records are stored. None of several means an honest failure; some mean to go on, for nobody may see half of an append.
func (l *Log) settle(first uint64, stored [][]byte, cause error) (done int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), appendTimeout)
	defer cancel()
	if failed := l.engine.failure(); failed != nil {
		return 0, failed
	}
	end, _, err := l.store.state(ctx)
	if err != nil {
		return 0, l.fail(fmt.Errorf("the log's end cannot be read after a failed append: %w", errors.Join(cause, err)))
	}
	switch {
	case end < first-1 || end >= first+uint64(len(stored)):
		return 0, l.fail(fmt.Errorf("the log ends at %d after a failed append at %d: somebody else writes to it: %w", end, first, cause))
	case broken(cause):
		return 0, l.fail(fmt.Errorf("the log's disk failed, and what it took is uncertain; the server has to start anew: %w", cause))
	case end == first-1 && (refused(cause) || l.reader.EndsAt(end)):
		return 0, cause
	case end == first-1:
		return 0, l.fail(fmt.Errorf("the log's files go on behind position %d after a failed append, and the engine does not know: %w", end, cause))
	case refused(cause):
		return 0, l.fail(fmt.Errorf("the log took %d of %d records: %w", end-first+1, len(stored), cause))
	default:
		return int(end - first + 1), nil
	}
}

// broken reports whether the engine could not write or sync. It may succeed when tried again and yet have lost the bytes, for a
// failed sync leaves pages marked clean that never reached the disk; so it is not tried again.
func broken(cause error) bool {
	var api jetstream.JetStreamError
	return errors.As(cause, &api) && api.APIError() != nil && api.APIError().ErrorCode == codeStoreFailed
}

// refused reports whether the engine said no, so that trying again changes nothing.
func refused(err error) bool {
	var api jetstream.JetStreamError
	return errors.As(err, &api) && api.APIError() != nil
}

// fail ends the log: what is in it is not known any more, so nothing may be sent on its word.
func (l *Log) fail(err error) error {
	l.engine.die(err)
	return err
}

// unavailable is the refusal of an append. Of a log that has failed nobody knows what it stored last: a command may stand in it
// after the restart, closed and desired, though it was not sent.
func (l *Log) unavailable(cause error) error {
	detail := "the log takes no entries at the moment; nothing was sent"
	if l.engine.failure() != nil {
		detail = "the log has failed and the server ends; nothing was sent, but the command may be in the log when it is back: send it again with the same Idempotency-Key, or look first"
	}
	return &swarm.Error{Code: swarm.CodeLogUnavailable, Detail: detail, Cause: cause}
}
