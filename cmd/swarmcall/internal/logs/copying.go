package logs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/natsconn"
	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// copying is a migration whose log was examined, and whose stream exists.
type copying struct {
	*Migration
	conn *natsconn.Conn
	at   *stream.Stream
	log  *examined
}

// run continues after what the stream has, which must be the beginning of the log, and then compares everything.
func (c copying) run(ctx context.Context, there uint64) error {
	if err := c.compare(ctx, "comparing", min(there, c.log.Last)); err != nil {
		return err
	}
	if there > c.log.Last {
		return &clierr.Error{
			Code: clierr.Failed, What: "the log was already copied, and nodes have used it since",
			Cause: fmt.Errorf("the stream %s has the log up to position %d and %d more records", c.at.Name, c.log.Last,
				there-c.log.Last),
			Hint: "nothing was copied, and nothing needs to be. Do not start a server on " + c.Dir,
		}
	}
	if c.DryRun {
		return nil
	}
	if err := c.copy(ctx, there); err != nil {
		return failed(ctx, c.conn, "the log was not copied completely", err)
	}
	info, err := c.at.Info(ctx)
	if err == nil && info.State.LastSeq < c.log.Last { // after it, a node may have begun already
		err = fmt.Errorf("the stream ends at position %d, and the log at %d", info.State.LastSeq, c.log.Last)
	}
	if err != nil {
		return failed(ctx, c.conn, "the copy could not be verified", err)
	}
	return c.compare(ctx, "verifying", c.log.Last)
}

// copy stores the records after a position.
func (c copying) copy(ctx context.Context, after uint64) error {
	to := stream.NewCopy(c.at, after, c.log.Last)
	for s, err := range c.records(ctx) {
		if err != nil {
			return err
		}
		if s.Position <= after {
			continue
		}
		if err := to.Add(ctx, s.Data); err != nil {
			return err
		}
		c.Progress("copying", to.Last(), c.log.Last)
	}
	if err := to.Flush(ctx); err != nil {
		return err
	}
	if to.Last() != c.log.Last {
		return fmt.Errorf("the log in %s has changed meanwhile: it had %d records, and has %d", c.Dir, c.log.Last, to.Last())
	}
	return nil
}

// compare reads the stream up to a position, and the log beside it.
func (c copying) compare(ctx context.Context, what string, upTo uint64) error {
	if upTo == 0 {
		return nil
	}
	next, stop := iter.Pull2(c.records(ctx))
	defer stop()
	seen := uint64(0)
	err := c.at.Read(ctx, 1, upTo, func(r stream.Record) error {
		s, err, ok := next()
		switch {
		case !ok:
			return fmt.Errorf("the log in %s has changed meanwhile", c.Dir)
		case err != nil:
			return err
		case r.Position != s.Position:
			return fmt.Errorf("%w: there is no record at position %d", errDiffers, s.Position)
		}
		if err := c.same(r, s); err != nil {
			return err
		}
		seen = r.Position
		c.Progress(what, seen, upTo)
		return nil
	})
	if err == nil && seen < upTo {
		err = fmt.Errorf("%w: there is no record at position %d", errDiffers, seen+1)
	}
	if errors.Is(err, errDiffers) {
		return c.differs(err)
	}
	if err != nil {
		return failed(ctx, c.conn, "cannot compare the stream with the log", err)
	}
	return nil
}

var errDiffers = errors.New("the stream is not a copy of the log")

// same returns an error if the stream has another record than the log.
func (c copying) same(r stream.Record, s logfile.Stored) error {
	if !bytes.Equal(r.Data, s.Data) {
		return fmt.Errorf("%w: at position %d it has %s, and the log %s", errDiffers, r.Position, described(r.Data),
			described(s.Data))
	}
	if r.Position == 1 && r.Copied != c.log.Last {
		return fmt.Errorf("%w: its first record says that %d records were to be copied, and the log has %d", errDiffers,
			r.Copied, c.log.Last)
	}
	return nil
}

// described tells records apart: by the log that they begin, or by length and hash.
func described(data []byte) string {
	codec, err := logfile.NewCodec()
	if err == nil {
		defer codec.Close()
		if r, _, _, err := codec.Decode(0, data); err == nil {
			if reset, ok := r.(*swarm.Reset); ok && reset.LogID != "" {
				return "the record that begins log " + logName(reset.LogID, reset.Epoch)
			}
		}
	}
	sum := sha256.Sum256(data)
	return fmt.Sprintf("%d bytes with hash %x…", len(data), sum[:8])
}

func (c copying) differs(err error) error {
	return &clierr.Error{
		Code: clierr.Failed, What: "the stream " + c.at.Name + " has something else than the log in " + c.Dir, Cause: err,
		Hint: "a log can only be moved into an empty stream, or one that has the beginning of this " +
			"very log.\nIf nobody needs what the stream has, stop the nodes, and delete it as operator: nats stream rm " +
			c.at.Name,
	}
}

// records are those of the log's files. A record is valid until the next one.
func (c copying) records(ctx context.Context) iter.Seq2[logfile.Stored, error] {
	return func(yield func(logfile.Stored, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := false
		_, err := logfile.Scan(ctx, c.Dir, func(s logfile.Stored) {
			if ended || s.Position > c.log.Last {
				return
			}
			if ended = !yield(s, nil); ended {
				cancel()
			}
		})
		if err != nil && !ended {
			yield(logfile.Stored{}, err)
		}
	}
}
