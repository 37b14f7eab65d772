package webhooks

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Log is what hooks read. Its methods are safe for concurrent use.
type Log interface {
	// ID identifies the log, as id.epoch.
	ID() string
	// Last returns the position of the newest record.
	Last() uint64
	// After returns records after a position, at least one and at most a batch: it waits until there is one, or until ctx
	// ends.
	After(ctx context.Context, position uint64) ([]*swarm.Event, error)
	// Events returns the first records that q selects.
	Events(ctx context.Context, q swarm.EventQuery) ([]*swarm.Event, error)
}

// place is how far a hook has read: every record up to position was accepted, or is not for this hook. log is the id of
// the log at that position. It changes when records were lost, because then positions may be used a second time.
type place struct {
	log      string
	position uint64
}

// id is the id of the message of the record at this place.
func (p place) id() string { return p.log + "-" + strconv.FormatUint(p.position, 10) }

// at returns the place of the next record.
func (p place) at(e *swarm.Event) place {
	if r, ok := e.Record.(*swarm.Reset); ok && r.LogID != "" {
		return place{fmt.Sprintf("%s.%d", r.LogID, r.Epoch), e.Position}
	}
	return place{p.log, e.Position}
}

// end returns the place of a log's newest record.
func end(l Log) place {
	for {
		id := l.ID()
		p := place{id, l.Last()}
		if l.ID() == id { // else it changed in between
			return p
		}
	}
}

// resume returns where a hook continues that was at a place. If that is another one, moved says why.
func resume(ctx context.Context, l Log, was place) (now place, moved string, err error) {
	last := end(l)
	id, epoch := split(was.log)
	lastID, lastEpoch := split(last.log)
	switch {
	case id != lastID:
		return last, "its cursor belongs to another log", nil
	case epoch > lastEpoch, epoch == lastEpoch && was.position > last.position:
		return last, "its cursor is past the end of the log, which may be an older copy", nil
	case epoch == lastEpoch:
		return was, "", nil
	}
	lost, err := firstSince(ctx, l, epoch, last.position)
	if err != nil {
		return place{}, "", fmt.Errorf("cannot find where the log continued after a loss: %w", err)
	}
	if lost <= was.position {
		return place{was.log, lost - 1}, "records before its cursor were lost", nil
	}
	return was, "", nil
}

// firstSince returns the position of the reset that ended an epoch of the log.
func firstSince(ctx context.Context, l Log, epoch, last uint64) (uint64, error) {
	const page = 100
	for after := uint64(0); ; {
		events, err := l.Events(ctx, swarm.EventQuery{Common: true, After: after, UpTo: last, Limit: page})
		if err != nil {
			return 0, err
		}
		for _, e := range events {
			if r, ok := e.Record.(*swarm.Reset); ok && r.LogID != "" && r.Epoch > epoch {
				return e.Position, nil
			}
			after = e.Position
		}
		if len(events) == 0 {
			return 0, fmt.Errorf("no record ended epoch %d", epoch)
		}
	}
}

// split splits the id of a log. What is no such id belongs to no log.
func split(log string) (id string, epoch uint64) {
	at := strings.LastIndexByte(log, '.')
	if at < 0 {
		return log, 0
	}
	epoch, _ = strconv.ParseUint(log[at+1:], 10, 64)
	return log[:at], epoch
}
