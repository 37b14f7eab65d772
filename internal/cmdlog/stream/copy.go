package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/failpoint"
)

// CopyOverhead is how many bytes the servers store around a record of a copy, rounded up.
const CopyOverhead = 192

const (
	copyRecords  = 500     // of one append, at most
	copyBytes    = 1 << 20 // of their bytes, unless one record alone has more
	copyAttempt  = 4 * time.Second
	copyPatience = time.Minute // for the servers to take an append
)

// Copy stores the records of a log that was embedded, in its order, so that each keeps its position. Nodes do not start
// on the stream before it is complete.
type Copy struct {
	s     *Stream
	whole uint64 // position at which the log ends
	last  uint64 // position of the last record that is stored
	batch [][]byte
	bytes int
}

// NewCopy continues a copy after the position last; 0 begins it.
func NewCopy(s *Stream, last, whole uint64) *Copy { return &Copy{s: s, whole: whole, last: last} }

// Add adds the next record. It keeps a copy of the bytes.
func (c *Copy) Add(ctx context.Context, data []byte) error {
	if len(c.batch) == copyRecords || len(c.batch) > 0 && c.bytes+len(data) > copyBytes {
		if err := c.Flush(ctx); err != nil {
			return err
		}
	}
	c.batch, c.bytes = append(c.batch, append([]byte(nil), data...)), c.bytes+len(data)
	return nil
}

// Last is the position of the last record that is stored.
func (c *Copy) Last() uint64 { return c.last }

// Flush stores what was added. It sends the same append again until it is certain that it is stored: it can only be
// stored after the position that it begins at.
func (c *Copy) Flush(ctx context.Context) error {
	if len(c.batch) == 0 {
		return nil
	}
	a := Append{After: c.last, Copied: c.whole, Records: c.batch}
	end := c.last + uint64(len(c.batch))
	for began := time.Now(); ; pause(ctx, openPause) {
		err := c.attempt(ctx, a)
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if !passing(err) {
			return err
		}
		stored, taken := c.stored(ctx, end)
		if taken != nil {
			return taken
		}
		if stored {
			break
		}
		if time.Since(began) > copyPatience {
			return err
		}
	}
	failpoint.Hit(failpoint.MidMigrate)
	c.last, c.batch, c.bytes = end, nil, 0
	return nil
}

// passing reports whether the same append may succeed later.
func passing(err error) bool {
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrUncertain) || errors.Is(err, ErrUnavailable)
}

func (c *Copy) attempt(ctx context.Context, a Append) error {
	ctx, cancel := context.WithTimeout(ctx, copyAttempt)
	defer cancel()
	return c.s.Publish(ctx, a)
}

// ErrTaken is the error when somebody else writes to the stream.
var ErrTaken = errors.New("another program writes to the stream")

// stored reports whether the stream ends where the append does, as far as its leader answers. The error is ErrTaken.
func (c *Copy) stored(ctx context.Context, end uint64) (bool, error) {
	info, err := c.s.Info(ctx)
	if err != nil {
		return false, nil // it is asked again
	}
	if last := info.State.LastSeq; last != end && last != c.last {
		return false, fmt.Errorf("%w: it ends at position %d, and must end at %d or %d", ErrTaken, last, c.last, end)
	}
	return info.State.LastSeq == end, nil
}

// Info asks the leader for the state of the stream.
func (s *Stream) Info(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	info, err := s.Stream.Info(ctx)
	if err == nil && !FromLeader(info) {
		err = ErrUnavailable
	}
	return info, err
}
