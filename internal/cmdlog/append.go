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

// appendTimeout bounds each of what an append waits for: the engine, and the disk.
const appendTimeout = 10 * time.Second

// codeStoreFailed is the engine's error when its files fail it, as it does when they are full; that is prevented in
// limits.go.
const codeStoreFailed = 10077

// Append makes records durable, in order and without a gap, and returns the position of the first. After an error none
// of them is in the log, with one exception: when the engine cannot tell any more what it stored, the log takes nothing
// from then on and Failed says so. The error is of CodeLogUnavailable. ctx is not waited for: an append never hangs on
// a request.
func (l *Log) Append(ctx context.Context, records []swarm.Record) (first uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if failed := l.engine.failure(); failed != nil {
		return 0, &swarm.Error{
			Code: swarm.CodeLogUnavailable, Detail: "the log has failed and the server ends; nothing was sent",
			Cause: failed,
		}
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
	failpoint.Hit(failpoint.BeforeSync)
	if err := l.harden(); err != nil {
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

// put hands all of the records to the kernel, or none. The engine takes one at a time: it flushes each to the block
// file before it answers, and a batch of its own would be synced twice before it is stored.
func (l *Log) put(ctx context.Context, first uint64, stored [][]byte) error {
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	defer context.AfterFunc(l.engine.alive, cancel)() // a failed disk gives no answer
	for done, before := 0, -1; done < len(stored); {
		err := l.store.publish(ctx, stored[done], first-1+uint64(done))
		if err == nil {
			done++
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

// harden brings what put has written to disk: one sync for all of an append, which is what submitters who wait together
// share. With SyncInterval the engine does that every second, all but the names of new files. A failed sync is final:
// the kernel takes the pages for clean from then on, and they never reached the disk.
func (l *Log) harden() error {
	sync := l.tail.Sync
	if l.cfg.Sync == SyncInterval {
		sync = l.tail.SyncNames
	}
	done := make(chan error, 1)
	go func() { done <- sync() }() // a disk that hangs keeps it, and release waits for it
	patience := time.NewTimer(appendTimeout)
	defer patience.Stop()
	select {
	case err := <-done:
		if err == nil {
			return nil
		}
		return l.fail(diskFailed(err))
	case <-patience.C:
		return l.fail(fmt.Errorf("the log's disk has not synced an append within %v", appendTimeout))
	}
}

// remember writes the mark. The records are durable whatever comes of it; but a log that cannot write eight bytes takes
// no more.
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

// settle finds out what a failed publish left in the stream: the end of the log is read again. It returns how many of
// the records are stored. None of several means an honest failure; some mean to go on, for nobody may see half of an
// append.
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
		return 0, l.fail(fmt.Errorf("the log ends at %d after a failed append at %d: somebody else writes to it: %w",
			end, first, cause))
	case broken(cause):
		return 0, l.fail(diskFailed(cause))
	case end == first-1 && (refused(cause) || l.reader.EndsAt(end)):
		return 0, cause
	case end == first-1:
		return 0, l.fail(fmt.Errorf("the log's files go on behind position %d after a failed append, and the engine "+
			"does not know: %w", end, cause))
	case refused(cause):
		return 0, l.fail(fmt.Errorf("the log took %d of %d records: %w", end-first+1, len(stored), cause))
	default:
		return int(end - first + 1), nil
	}
}

// broken reports whether the engine could not write or sync. It may succeed when tried again and yet have lost the
// bytes, for a failed sync leaves pages marked clean that never reached the disk; so it is not tried again.
func broken(cause error) bool {
	var api jetstream.JetStreamError
	return errors.As(cause, &api) && api.APIError() != nil && api.APIError().ErrorCode == codeStoreFailed
}

func diskFailed(cause error) error {
	return fmt.Errorf("the log's disk failed, and what it took is uncertain; start the server again: %w", cause)
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

// unavailable is the refusal of an append. Of a log that has failed nobody knows what it stored last: a command may
// stand in it after the restart, closed and desired, though it was not sent.
func (l *Log) unavailable(cause error) error {
	detail := "the log takes no entries at the moment; nothing was sent"
	if l.engine.failure() != nil {
		detail = "the log has failed and the server ends; nothing was sent, but the command may be in the log when " +
			"it is back: send it again with the same Idempotency-Key, or look first"
	}
	return &swarm.Error{Code: swarm.CodeLogUnavailable, Detail: detail, Cause: cause}
}
