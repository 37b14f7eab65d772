package logs

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/ndjson"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Export prints a log as NDJSON: one line per intact record, with the field names of the HTTP API. If the log
// is damaged, it returns an error after the remaining records.
func Export(ctx context.Context, from Source, out io.Writer) error {
	ctx, stop := context.WithCancelCause(ctx) // the output is no longer read, so reading on is useless
	defer stop(nil)
	w := bufio.NewWriter(out)
	e := exporter{targets: map[uint64][]string{}}
	r, err := from.scan(ctx, func(s logfile.Stored) {
		if _, err := w.Write(e.line(swarm.Stored{Position: s.Position, Record: s.Record})); err != nil {
			stop(err)
		}
	})
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("cannot write the records: %w", cause)
	}
	if err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("cannot write the records: %w", err)
	}
	return damaged(from, r.Damage)
}

// exporter formats each record as a line. It remembers the targets of open entries, because an outcome names drivers by
// their index.
type exporter struct{ targets map[uint64][]string }

func (e *exporter) line(s swarm.Stored) []byte {
	switch r := s.Record.(type) {
	case *swarm.Issued:
		e.targets[s.Position] = r.Targets
	case *swarm.Closed:
		defer delete(e.targets, r.Seq)
		return ndjson.Line(s, e.targets[r.Seq])
	}
	return ndjson.Line(s, nil)
}

func logName(id string, epoch uint64) string { return fmt.Sprintf("%s.%d", id, epoch) }
