package feed

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// These constants bound the memory for readers that are a little behind: records, and about as many bytes.
const (
	ringSize  = 10_000
	ringBytes = 64 << 20
)

// These constants bound one batch of a reader, from the ring or from the log: the reader holds it in memory until it is
// sent. A record of a large swarm is large, so its bytes count too; a read of the log checks them every readStep
// records.
const (
	readBatch = 256
	readStep  = 8
	readBytes = 1 << 20
)

// Log reads records that the ring has dropped.
type Log interface {
	// Records returns up to limit records after a position, in order; none at the end.
	Records(ctx context.Context, after uint64, limit int) ([]swarm.Stored, error)
	// Entry reads the entry of a command.
	Entry(ctx context.Context, seq uint64) (swarm.Entry, error)
}

// Feed is the ring. Its methods are safe for concurrent use.
type Feed struct {
	log Log

	mu     sync.Mutex
	ring   []*swarm.Event // newest last
	sizes  []int          // of the events in ring, about
	bytes  int            // the sum of sizes
	most   int            // bytes that the ring may hold
	last   uint64         // position of the newest record, also when the ring does not hold it
	more   chan struct{}  // closed and replaced when there are more records
	closed bool
	issued map[uint64]*swarm.Issued // commands whose records are in the ring
}

// New returns a Feed for a log that ends at last.
func New(log Log, last uint64) *Feed {
	return &Feed{log: log, last: last, most: ringBytes, more: make(chan struct{}), issued: map[uint64]*swarm.Issued{}}
}

// Add adds records that were appended from position first on. Calls must come in the order of the log.
func (f *Feed) Add(first uint64, records []swarm.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	for i, r := range records {
		e := &swarm.Event{Stored: swarm.Stored{Position: first + uint64(i), Record: r}}
		if issued, ok := r.(*swarm.Issued); ok {
			f.issued[e.Position] = issued
		}
		e.Issued = f.issued[e.Seq()]
		f.ring = append(f.ring, e)
		f.sizes = append(f.sizes, sizeOf(r))
		f.bytes += f.sizes[len(f.sizes)-1]
		f.last = e.Position
	}
	f.trim()
	close(f.more)
	f.more = make(chan struct{})
}

// trim drops the oldest events, several at a time so that the ring is rarely moved. The newest stays, however large it
// is.
func (f *Feed) trim() {
	over, bytes := len(f.ring)-ringSize, f.bytes
	if over < ringSize/4 && bytes <= f.most {
		return
	}
	drop := 0
	for ; drop < len(f.ring)-1 && (drop < over || bytes > f.most*3/4); drop++ {
		bytes -= f.sizes[drop]
	}
	for _, e := range f.ring[:drop] {
		if _, ok := e.Record.(*swarm.Issued); ok {
			delete(f.issued, e.Position)
		}
	}
	f.ring = append(f.ring[:0:0], f.ring[drop:]...)
	f.sizes = append(f.sizes[:0:0], f.sizes[drop:]...)
	f.bytes = bytes
}

// sizeOf estimates the memory of a record, including its encoded form for readers.
func sizeOf(r swarm.Record) int {
	const base, id, verdict, sent = 512, 32, 72, 48
	switch r := r.(type) {
	case *swarm.Issued:
		return base + id*(len(r.Targets)+len(r.Target.DriverIDs)) + sent*(len(r.Split)+2*len(r.LeftOut))
	case *swarm.Closed:
		n := base + verdict*len(r.Verdicts)
		for i := range r.Verdicts {
			if v := &r.Verdicts[i]; v.Kind != swarm.Acked {
				n += sent + 2*(len(v.Code)+len(v.Detail))
			}
		}
		return n
	case *swarm.Late:
		return base + (verdict+2*sent)*len(r.Acks)
	case *swarm.Expired:
		return base + id*len(r.Target.DriverIDs)
	default:
		return base
	}
}

// Last returns the position of the newest record.
func (f *Feed) Last() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// Close ends every reader's sequence.
func (f *Feed) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.closed {
		f.closed = true
		close(f.more)
	}
}

// ErrClosed says that the feed is closed, because the server is stopping.
var ErrClosed = errors.New("the feed is closed")

// After returns events after a position, at least one: it waits until there is one, ctx ends or the feed is closed. If
// there are many, it returns a part of them.
func (f *Feed) After(ctx context.Context, position uint64) ([]*swarm.Event, error) {
	for {
		f.mu.Lock()
		events, more, behind := f.held(position)
		closed := f.closed
		f.mu.Unlock()
		switch {
		case closed:
			return nil, ErrClosed
		case behind:
			return f.read(ctx, position)
		case len(events) > 0:
			return f.complete(ctx, events)
		}
		select {
		case <-more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// held returns the events in the ring after a position; behind says that the ring begins later than that.
func (f *Feed) held(position uint64) (events []*swarm.Event, more chan struct{}, behind bool) {
	if position >= f.last {
		return nil, f.more, false
	}
	n := uint64(len(f.ring)) // the ring has no gap
	if n == 0 || position+n < f.last {
		return nil, f.more, true
	}
	from := n - (f.last - position)
	to, bytes := from, 0
	for ; to < min(n, from+readBatch) && bytes < readBytes; to++ {
		bytes += f.sizes[to]
	}
	return f.ring[from:to], f.more, false
}

// complete reads the commands that events belong to from the log, if the ring does not hold them. It returns copies of
// such events, because shared ones must not be written to.
func (f *Feed) complete(ctx context.Context, events []*swarm.Event) ([]*swarm.Event, error) {
	for i, e := range events {
		seq := e.Seq()
		if seq == 0 || e.Issued != nil {
			continue
		}
		entry, err := f.log.Entry(ctx, seq)
		if swarm.CodeOf(err) == swarm.CodeNotFound {
			continue // its record was lost, and the operator accepted that
		}
		if err != nil {
			return nil, err
		}
		events = slices.Clone(events)
		events[i] = &swarm.Event{Stored: e.Stored, Issued: entry.Issued}
	}
	return events, nil
}

// read reads records that the ring no longer holds from the log.
func (f *Feed) read(ctx context.Context, position uint64) ([]*swarm.Event, error) {
	stored, err := f.stored(ctx, position)
	if err != nil {
		return nil, err
	}
	if len(stored) == 0 {
		return nil, errors.New("the log is missing records that it should have")
	}
	events := make([]*swarm.Event, len(stored))
	issued := map[uint64]*swarm.Issued{}
	for i, s := range stored {
		seq := s.Seq()
		if r, ok := s.Record.(*swarm.Issued); ok {
			issued[seq] = r
		}
		events[i] = &swarm.Event{Stored: s, Issued: issued[seq]}
	}
	return f.complete(ctx, events)
}

// stored reads records after a position, up to the size of one batch.
func (f *Feed) stored(ctx context.Context, position uint64) (stored []swarm.Stored, err error) {
	for bytes := 0; len(stored) < readBatch && bytes < readBytes; {
		some, err := f.log.Records(ctx, position, readStep)
		if err != nil {
			return nil, err
		}
		for _, s := range some {
			bytes += sizeOf(s.Record)
		}
		stored = append(stored, some...)
		if len(some) < readStep {
			break
		}
		position = some[len(some)-1].Position
	}
	return stored, nil
}
