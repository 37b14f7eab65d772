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

// appendTimeout bounds each wait of an append: for the engine, and for the disk.
const appendTimeout = 10 * time.Second

// codeStoreFailed is the engine's error when it cannot write its files, as on a full disk; limits.go prevents that.
const codeStoreFailed = 10077

// Append makes records durable, in order and without a gap, if the log still ends at the position after; else the error
// is swarm.ErrConflict. It returns the position of the first record, once the function of Notify has received them.
// After an error none of them is in the log, with one exception: if the engine can no longer tell what it stored, the
// log accepts nothing from then on, and Failed reports it. Any other error is of CodeLogUnavailable. The end of ctx does
// not interrupt an append, so it never depends on a request.
func (l *Log) Append(ctx context.Context, after uint64, records []swarm.Record) (first uint64, err error) {
	l.appending.Lock()
	defer l.appending.Unlock()
	if first, err = l.store(ctx, after, records); err != nil || len(records) == 0 {
		return first, err
	}
	if l.told != nil {
		l.told(swarm.Appended{First: first, Records: records, Own: true})
	}
	failpoint.Hit(failpoint.AfterAppend)
	return first, nil
}

func (l *Log) store(ctx context.Context, after uint64, records []swarm.Record) (first uint64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if failed := l.engine.failure(); failed != nil {
		return 0, &swarm.Error{
			Code: swarm.CodeLogUnavailable, Detail: "the log has failed and the server is stopping; nothing was sent",
			Cause: failed,
		}
	}
	switch {
	case after != l.last:
		return 0, swarm.ErrConflict
	case len(records) == 0:
		return l.last + 1, nil
	}
	began := time.Now()
	defer func() { l.meter().Appended(len(records), time.Since(began), err) }()
	stored, heads, err := l.encode(records)
	if err != nil {
		return 0, l.unavailable(err)
	}
	bytes := storedBytes(stored)
	if err := l.limits.check(bytes, essential(records)); err != nil {
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

// put hands all of the records to the kernel, or none. The engine accepts one at a time: it flushes each to the block
// file before it answers. Its own batches would be synced twice before they are stored.
func (l *Log) put(ctx context.Context, first uint64, stored [][]byte) error {
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	defer context.AfterFunc(l.engine.alive, cancel)() // a failed disk gives no answer
	for done, before := 0, -1; done < len(stored); {
		err := l.stream.publish(ctx, stored[done], first-1+uint64(done))
		if err == nil {
			done++
			continue
		}
		if done, err = l.settle(first, stored, err); err != nil {
			return err
		}
		if done == before {
			return l.fail(fmt.Errorf("the log accepted %d of %d records and accepts no more", done, len(stored)))
		}
		before = done
	}
	return nil
}

// harden writes the data of put to disk with one sync for the whole append; submitters that wait together share it.
// With SyncInterval the engine syncs every second, except the names of new files. A failed sync is final: the kernel
// considers the pages clean from then on, although they never reached the disk.
func (l *Log) harden() error {
	began, sync := time.Now(), l.tail.Sync
	if l.cfg.Sync == SyncInterval {
		sync = l.tail.SyncNames
	}
	done := make(chan error, 1)
	go func() { done <- sync() }() // a disk that hangs blocks it, and release waits for it
	patience := time.NewTimer(appendTimeout)
	defer patience.Stop()
	select {
	case err := <-done:
		if err != nil {
			return l.fail(diskFailed(err))
		}
		if l.cfg.Sync != SyncInterval {
			l.meter().Synced(time.Since(began))
		}
		return nil
	case <-patience.C:
		return l.fail(fmt.Errorf("the log's disk has not synced an append within %v", appendTimeout))
	}
}

// remember writes the mark. The records are durable even if this fails; but a log that cannot write its mark accepts no
// more.
func (l *Log) remember(records []swarm.Record) {
	id, epoch := l.index.identity()
	err := l.mark.Update(func(m *logfile.Mark) {
		m.Position, m.Sum = l.last, l.heads[logfile.Writer(records[len(records)-1])].Sum
		m.LogID, m.Epoch = id, epoch
	})
	if err != nil {
		_ = l.fail(fmt.Errorf("the log's mark file cannot be written: %w", err)) // reported by Failed
	}
}

// settle determines what a failed publish left in the stream, by reading the end of the log again. It returns how many
// of the records are stored. If none of several is stored, the append has simply failed. If some are, the append must
// be completed, because no reader may see part of an append.
func (l *Log) settle(first uint64, stored [][]byte, cause error) (done int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), appendTimeout)
	defer cancel()
	if failed := l.engine.failure(); failed != nil {
		return 0, failed
	}
	end, _, err := l.stream.state(ctx)
	if err != nil {
		return 0, l.fail(fmt.Errorf("the log's end cannot be read after a failed append: %w", errors.Join(cause, err)))
	}
	switch {
	case end < first-1 || end >= first+uint64(len(stored)):
		return 0, l.fail(fmt.Errorf("the log ends at %d after a failed append at %d: another process writes to it: %w",
			end, first, cause))
	case broken(cause):
		return 0, l.fail(diskFailed(cause))
	case end == first-1 && (refused(cause) || l.reader.EndsAt(end)):
		return 0, cause
	case end == first-1:
		return 0, l.fail(fmt.Errorf("the log's files contain records after position %d since a failed append, and the "+
			"engine does not know them: %w", end, cause))
	case refused(cause):
		return 0, l.fail(fmt.Errorf("the log accepted %d of %d records: %w", end-first+1, len(stored), cause))
	default:
		return int(end - first + 1), nil
	}
}

// broken reports whether the engine could not write or sync. A retry may succeed although bytes were lost, because
// after a failed sync pages are marked clean that never reached the disk; so there is no retry.
func broken(cause error) bool {
	var api jetstream.JetStreamError
	return errors.As(cause, &api) && api.APIError() != nil && api.APIError().ErrorCode == codeStoreFailed
}

func diskFailed(cause error) error {
	return fmt.Errorf("the log's disk failed, and it is unknown what was written; restart the server: %w", cause)
}

// refused reports whether the engine answered with an error, so that a retry changes nothing.
func refused(err error) bool {
	var api jetstream.JetStreamError
	return errors.As(err, &api) && api.APIError() != nil
}

// fail ends the log: its content is no longer certain, so nothing may be sent that depends on it.
func (l *Log) fail(err error) error {
	l.engine.die(err)
	return err
}

// unavailable returns the error for a refused append. If the log has failed, it is unknown what it stored last: after
// the restart a command may be in it, closed and desired, although it was not sent.
func (l *Log) unavailable(cause error) error {
	detail := "the log cannot accept entries at the moment; nothing was sent"
	if l.engine.failure() != nil {
		detail = "the log has failed and the server is stopping; nothing was sent, but the command may be in the " +
			"log after the restart: send it again with the same Idempotency-Key, or check the log first"
	}
	return &swarm.Error{Code: swarm.CodeLogUnavailable, Detail: detail, Cause: cause}
}
