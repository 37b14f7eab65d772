package cmdlog

import (
	"context"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Entry returns the entry seq with its outcome and late answers. The error is CodeNotFound if no command has that seq.
func (l *Log) Entry(ctx context.Context, seq uint64) (swarm.Entry, error) {
	at, ok := l.index.entry(seq)
	if !ok {
		return swarm.Entry{}, swarm.Errorf(swarm.CodeNotFound, "no command has this seq; see GET /commands")
	}
	return l.load(ctx, at)
}

// Page returns the entries that q selects, newest first unless q requests another order. It includes everything that
// Append had acknowledged before the call.
func (l *Log) Page(ctx context.Context, q swarm.Query) (swarm.Page, error) {
	found, more := l.index.page(q)
	entries, err := l.loadAll(ctx, found, q.Brief)
	return swarm.Page{Entries: entries, More: more}, err
}

// Unclosed returns the entries without an outcome, oldest first.
func (l *Log) Unclosed(ctx context.Context) ([]swarm.Entry, error) {
	return l.loadAll(ctx, l.index.open(), 0)
}

func (l *Log) loadAll(ctx context.Context, found []positions, brief int) ([]swarm.Entry, error) {
	entries := make([]swarm.Entry, 0, len(found))
	for _, at := range found {
		e, err := l.loadBrief(ctx, at, brief)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// loadBrief is like load, with lists of at most this many elements; 0 for complete lists.
func (l *Log) loadBrief(ctx context.Context, at positions, most int) (swarm.Entry, error) {
	if most == 0 {
		return l.load(ctx, at)
	}
	issued, err := l.engine.fetch(ctx, at.issued)
	if err != nil {
		return swarm.Entry{}, err
	}
	var closed []byte
	if at.closed != 0 {
		if closed, err = l.engine.fetch(ctx, at.closed); err != nil {
			return swarm.Entry{}, err
		}
	}
	e, ok := l.codec.DecodeBrief(at.issued, issued, at.closed, closed, most)
	if !ok {
		return l.load(ctx, at)
	}
	if e.Late, err = l.late(ctx, at); err != nil {
		return swarm.Entry{}, err
	}
	e.Totals.Late = len(e.Late)
	return e, nil
}

func (l *Log) load(ctx context.Context, at positions) (swarm.Entry, error) {
	issued, err := record[*swarm.Issued](ctx, l, at.issued)
	if err != nil {
		return swarm.Entry{}, err
	}
	e := swarm.Entry{Seq: at.issued, Issued: issued}
	if at.closed != 0 {
		if e.Closed, err = record[*swarm.Closed](ctx, l, at.closed); err != nil {
			return swarm.Entry{}, err
		}
		if len(e.Closed.Verdicts) != len(issued.Targets) {
			return swarm.Entry{}, damaged(at.closed, "it does not have exactly one verdict per target")
		}
	}
	e.Late, err = l.late(ctx, at)
	return e, err
}

// late reads the late answers of an entry.
func (l *Log) late(ctx context.Context, at positions) (out []swarm.LateAck, err error) {
	for _, pos := range at.late {
		late, err := record[*swarm.Late](ctx, l, pos)
		if err != nil {
			return nil, err
		}
		out = append(out, late.Acks...)
	}
	return out, nil
}

func (l *Log) read(ctx context.Context, pos uint64) (swarm.Record, error) {
	b, err := l.engine.fetch(ctx, pos)
	if err != nil {
		return nil, err
	}
	r, _, _, err := l.codec.Decode(pos, b)
	return r, err
}

// record reads one record of a known kind.
func record[R swarm.Record](ctx context.Context, l *Log, pos uint64) (none R, err error) {
	r, err := l.read(ctx, pos)
	if err != nil {
		return none, err
	}
	if r, ok := r.(R); ok {
		return r, nil
	}
	return none, damaged(pos, "its kind is not the one in the index")
}

func damaged(pos uint64, what string) error { return &DamagedError{Position: pos, To: pos, What: what} }
