package cmdlog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/failpoint"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// appendTimeout bounds each wait of an append: for the engine, for the disk, and for the tail of a shared log.
const appendTimeout = 10 * time.Second

// Append makes records durable, in order and without a gap, if the log still ends at the position after; else the
// error is swarm.ErrConflict. It returns the position of the first record, once the function of Notify has received
// them; after a conflict it returns once that function has received what was appended first. Any other error is of
// CodeLogUnavailable. After an error none of the records is in the log, with two exceptions, which the error names: an
// embedded log that can no longer tell what it stored accepts nothing from then on, and Failed reports it; and a
// shared log may not know in time what its servers stored. The end of ctx does not interrupt an append, so it never
// depends on a request.
func (l *Log) Append(ctx context.Context, after uint64, records []swarm.Record) (first uint64, err error) {
	l.appending.Lock()
	defer l.appending.Unlock()
	if failed := l.life.failure(); failed != nil {
		return 0, &swarm.Error{
			Code: swarm.CodeLogUnavailable, Detail: "the log has failed and the server is stopping; nothing was sent",
			Cause: failed,
		}
	}
	heads, ends := l.headsAt(after)
	switch {
	case !ends && l.tail != nil:
		return 0, l.tail.overtaken()
	case !ends:
		return 0, swarm.ErrConflict
	case len(records) == 0:
		return after + 1, nil
	}
	began := time.Now()
	err = l.write(context.WithoutCancel(ctx), after, records, heads)
	if !errors.Is(err, swarm.ErrConflict) {
		l.meter.Appended(len(records), time.Since(began), err)
	}
	if err != nil {
		return 0, err
	}
	failpoint.Hit(failpoint.AfterAppend)
	return after + 1, nil
}

// headsAt returns the newest record of each writer if the log ends at a position.
func (l *Log) headsAt(after uint64) (heads logfile.Heads, ends bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.heads, l.stored == after
}

func (l *Log) write(ctx context.Context, after uint64, records []swarm.Record, heads logfile.Heads) error {
	p := parcel{after: after}
	p, heads, err := l.encode(p, records, heads)
	if err != nil {
		return l.unavailable(err)
	}
	bytes := l.limits.bytesOf(p)
	if err := l.limits.check(bytes, essential(records)); err != nil {
		return err
	}
	failpoint.Hit(failpoint.BeforeAppend)
	if l.tail != nil {
		return l.tail.append(ctx, p) // which passes the records
	}
	if err := l.engine.publish(ctx, p); err != nil {
		return l.unavailable(err)
	}
	l.pass(swarm.Appended{First: p.first(), Records: records, Own: true}, heads, bytes)
	return nil
}

// encode adds the records as they are stored. It returns the heads after them.
func (l *Log) encode(p parcel, records []swarm.Record, heads logfile.Heads) (parcel, logfile.Heads, error) {
	if len(records) > l.most.records {
		return p, nil, fmt.Errorf("an append of %d records is over the limit of %d", len(records), l.most.records)
	}
	heads = heads.Clone()
	for i, r := range records {
		writer := logfile.Writer(r)
		b, own, err := l.codec.Encode(r, heads[writer].Sum)
		if err != nil {
			return p, nil, err
		}
		if len(b) > l.most.bytes {
			return p, nil, fmt.Errorf("a record of %d bytes is over the limit of %d", len(b), l.most.bytes)
		}
		p.records = append(p.records, b)
		heads[writer] = logfile.Head{Position: p.first() + uint64(i), Sum: own}
	}
	return p, heads, nil
}

// pass makes stored records visible: first to readers, then to the function of Notify. heads are those after them.
func (l *Log) pass(a swarm.Appended, heads logfile.Heads, bytes int64) {
	l.mu.Lock()
	for i, r := range a.Records {
		l.index.add(a.First+uint64(i), r)
	}
	l.stored, l.heads = a.Last(), heads
	told := l.told
	l.mu.Unlock()
	l.limits.took(bytes)
	if l.local != nil {
		l.local.remember(l.markAt(a))
	}
	switch {
	case told != nil:
		told(a)
	case !a.Own && l.replay != nil:
		for i, r := range a.Records {
			l.replay(a.First+uint64(i), r)
		}
	}
	l.passed.reach(a.Last())
}

// markAt returns the mark of a log that ends with these records.
func (l *Log) markAt(a swarm.Appended) logfile.Mark {
	id, epoch := l.index.identity()
	newest := l.heads[logfile.Writer(a.Records[len(a.Records)-1])]
	return logfile.Mark{Position: a.Last(), Sum: newest.Sum, LogID: id, Epoch: epoch}
}

// unavailable returns the error for a refused append. If the log has failed, it is unknown what it stored last: after
// the restart a command may be in it, closed and desired, although it was not sent.
func (l *Log) unavailable(cause error) error {
	detail := "the log cannot accept entries at the moment; nothing was sent"
	if l.life.failure() != nil {
		detail = "the log has failed and the server is stopping; nothing was sent, but the command may be in the " +
			"log after the restart: send it again with the same Idempotency-Key, or check the log first"
	}
	return &swarm.Error{Code: swarm.CodeLogUnavailable, Detail: detail, Cause: cause}
}
