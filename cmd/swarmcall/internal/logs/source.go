package logs

import (
	"context"
	"errors"
	"fmt"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/natsconn"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
)

// Source is a log to read: that of a server in its data directory, or that of several nodes in NATS.
type Source struct {
	Dir  string
	NATS natsconn.Config // if it has a URL, the log is there
}

func (s Source) shared() bool { return s.NATS.URL != "" }

// String returns the log's place, for errors.
func (s Source) String() string {
	if s.shared() {
		return "the stream " + logfile.StreamName
	}
	return s.Dir
}

// scan reads the log and calls visit for each whole record. A place without a log is an error.
func (s Source) scan(ctx context.Context, visit func(logfile.Stored)) (*logfile.Report, error) {
	if s.shared() {
		return s.scanStream(ctx, visit)
	}
	r, err := logfile.Scan(ctx, s.Dir, visit)
	if errors.Is(err, context.Canceled) {
		return nil, interrupted()
	}
	if err != nil {
		return nil, &clierr.Error{Code: clierr.Failed, What: "cannot read the log in " + s.Dir, Cause: err}
	}
	if r.Blocks == 0 && r.Mark.Position == 0 {
		return nil, noLog(s.Dir)
	}
	return r, nil
}

func interrupted() error { return &clierr.Error{Code: clierr.Interrupted, What: "interrupted"} }

// scanStream reads what the stream has when it begins.
func (s Source) scanStream(ctx context.Context, visit func(logfile.Stored)) (*logfile.Report, error) {
	conn, err := natsconn.Dial(s.NATS)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	at, info, err := stream.Find(ctx, conn.Stream(0))
	if errors.Is(err, stream.ErrAbsent) || err == nil && info.State.LastSeq == 0 {
		return nil, &clierr.Error{
			Code: clierr.Failed, What: "there is no log in " + s.String(),
			Hint: "name the NATS servers of the nodes: --nats-url URL",
		}
	}
	if err != nil {
		return nil, failed(ctx, conn, "cannot read the log in "+s.String(), err)
	}
	checker, err := logfile.NewChecker(visit)
	if err != nil {
		return nil, err
	}
	defer checker.Close()
	whole := appends{damage: checker.Damage}
	last, copied := info.State.LastSeq, uint64(0)
	err = at.Read(ctx, 1, last, func(r stream.Record) error {
		whole.take(r)
		copied = max(copied, r.Copied)
		checker.Take(r.Position, r.At, r.Data)
		return nil
	})
	if err != nil {
		return nil, failed(ctx, conn, "cannot read the log in "+s.String(), err)
	}
	r := checker.End(last)
	if copied > last {
		r.Damage = append(r.Damage, &logfile.DamagedError{
			Position: last + 1, To: copied, What: "a log is being copied into the stream, and this part is not there yet",
		})
	}
	return r, nil
}

// appends checks that the records of an append lie together, as a node does that reads them.
type appends struct {
	damage func(pos uint64, what string)
	id     string
	first  uint64
	left   int // records that belong to the append and have not come yet
}

func (a *appends) take(r stream.Record) {
	if a.left > 0 && (r.ID != a.id) {
		a.damage(a.first, fmt.Sprintf("%d records of its append are missing at position %d", a.left, r.Position))
		a.left = 0
	}
	if a.left == 0 {
		a.id, a.first, a.left = r.ID, r.Position, max(1, r.Records)
	}
	a.left--
}
