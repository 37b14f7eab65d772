package cmdlog

import (
	"context"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Entry returns the entry seq with its outcome and late answers. The error is of CodeNotFound when no command has that seq.
func (l *Log) Entry(ctx context.Context, seq uint64) (swarm.Entry, error) {
	at, ok := l.index.entry(seq)
	if !ok {
		return swarm.Entry{}, swarm.Errorf(swarm.CodeNotFound, "no command has this seq; see GET /commands")
	}
	return l.load(ctx, at)
}

// Page returns the entries that q selects, newest first unless q says otherwise. It shows at least what Append has returned.
func (l *Log) Page(ctx context.Context, q swarm.Query) (swarm.Page, error) {
	found, more := l.index.page(q)
	entries, err := l.loadAll(ctx, found)
	return swarm.Page{Entries: entries, More: more}, err
}

// Unclosed returns the entries without an outcome, oldest first.
func (l *Log) Unclosed(ctx context.Context) ([]swarm.Entry, error) {
	return l.loadAll(ctx, l.index.open())
}

func (l *Log) loadAll(ctx context.Context, found []positions) ([]swarm.Entry, error) {
	entries := make([]swarm.Entry, 0, len(found))
	for _, at := range found {
		e, err := l.load(ctx, at)
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
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
			return swarm.Entry{}, damaged(at.closed, "it has not one verdict per target")
		}
	}
	for _, pos := range at.late {
		late, err := record[*swarm.Late](ctx, l, pos)
		if err != nil {
			return swarm.Entry{}, err
		}
		e.Late = append(e.Late, late.Acks...)
	}
	return e, nil
}

// read returns the record at a position. The engine has the last word on where its records lie.
func (l *Log) read(ctx context.Context, pos uint64) (swarm.Record, error) {
	b, err := l.reader.Read(pos)
	if err != nil {
		if b, err = l.engine.fetch(ctx, pos); err != nil {
			return nil, err
		}
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
	return none, damaged(pos, "it is of another kind than the index says")
}

func damaged(pos uint64, what string) error { return &DamagedError{Position: pos, To: pos, What: what} }
