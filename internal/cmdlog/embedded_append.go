package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/failpoint"
)

// codeStoreFailed is the engine's error when it cannot write its files, as on a full disk; limits.go prevents that.
const codeStoreFailed = 10077

// publish puts an append on disk.
func (e *embedded) publish(ctx context.Context, p parcel) error {
	e.publishing.Lock()
	defer e.publishing.Unlock()
	if err := e.put(ctx, p.first(), p.records); err != nil {
		return err
	}
	failpoint.Hit(failpoint.BeforeSync)
	return e.harden()
}

// put hands all of the records to the kernel, or none. The engine accepts one at a time: it flushes each to the block
// file before it answers. Its own batches would be synced twice before they are stored.
func (e *embedded) put(ctx context.Context, first uint64, stored [][]byte) error {
	ctx, cancel := context.WithTimeout(ctx, appendTimeout)
	defer cancel()
	defer context.AfterFunc(e.life.alive, cancel)() // a failed disk gives no answer
	for done, before := 0, -1; done < len(stored); {
		err := e.store.write(ctx, stored[done], first-1+uint64(done))
		if err == nil {
			done++
			continue
		}
		if done, err = e.settle(first, stored, err); err != nil {
			return err
		}
		if done == before {
			return e.fail(fmt.Errorf("the log accepted %d of %d records and accepts no more", done, len(stored)))
		}
		before = done
	}
	return nil
}

// harden writes the data of put to disk with one sync for the whole append; submitters that wait together share it.
// With SyncInterval the engine syncs every second, except the names of new files. A failed sync is final: the kernel
// considers the pages clean from then on, although they never reached the disk.
func (e *embedded) harden() error {
	began, sync := time.Now(), e.tail.Sync
	if e.cfg.Sync == SyncInterval {
		sync = e.tail.SyncNames
	}
	done := make(chan error, 1)
	go func() { done <- sync() }() // a disk that hangs blocks it, and release waits for it
	patience := time.NewTimer(appendTimeout)
	defer patience.Stop()
	select {
	case err := <-done:
		if err != nil {
			return e.fail(diskFailed(err))
		}
		if e.cfg.Sync != SyncInterval {
			e.cfg.meter().Synced(time.Since(began))
		}
		return nil
	case <-patience.C:
		return e.fail(fmt.Errorf("the log's disk has not synced an append within %v", appendTimeout))
	}
}

// remember writes the mark. The records are durable even if this fails; but a log that cannot write its mark accepts no
// more.
func (e *embedded) remember(now logfile.Mark) {
	err := e.mark.Update(func(m *logfile.Mark) {
		now.Session = m.Session
		*m = now
	})
	if err != nil {
		_ = e.fail(fmt.Errorf("the log's mark file cannot be written: %w", err)) // reported by Failed
	}
}

// settle determines what a failed publish left in the stream, by reading the end of the log again. It returns how many
// of the records are stored. If none of several is stored, the append has simply failed. If some are, the append must
// be completed, because no reader may see part of an append.
func (e *embedded) settle(first uint64, stored [][]byte, cause error) (done int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), appendTimeout)
	defer cancel()
	if failed := e.life.failure(); failed != nil {
		return 0, failed
	}
	found, err := e.store.state(ctx)
	if err != nil {
		return 0, e.fail(fmt.Errorf("the log's end cannot be read after a failed append: %w", errors.Join(cause, err)))
	}
	switch end := found.last; {
	case end < first-1 || end >= first+uint64(len(stored)):
		return 0, e.fail(fmt.Errorf("the log ends at %d after a failed append at %d: another process writes to it: %w",
			end, first, cause))
	case broken(cause):
		return 0, e.fail(diskFailed(cause))
	case end == first-1 && (refused(cause) || e.reader.EndsAt(end)):
		return 0, cause
	case end == first-1:
		return 0, e.fail(fmt.Errorf("the log's files contain records after position %d since a failed append, and the "+
			"engine does not know them: %w", end, cause))
	case refused(cause):
		return 0, e.fail(fmt.Errorf("the log accepted %d of %d records: %w", end-first+1, len(stored), cause))
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

// fail ends the log.
func (e *embedded) fail(err error) error { return e.life.die(err) }
