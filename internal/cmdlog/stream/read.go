package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	readPatience   = 30 * time.Second // without any record
	askPatience    = 10 * time.Second // for records that a consumer has left out
	readPause      = 100 * time.Millisecond
	readHeartbeat  = time.Second
	readExpiry     = 10 * time.Second
	readMessages   = 1000
	readBytes      = 4 * MaxMessage // of one request; more than any message
	unusedConsumer = 30 * time.Second
)

// Record is a record as the stream has it.
type Record struct {
	Headers
	Position uint64
	At       time.Time // when the servers stored it
	Data     []byte
}

// Read calls take with the records from one position to another, in order, until it returns an error. It is for
// programs that read a stream once. A position without a record is left out.
func (s *Stream) Read(ctx context.Context, from, to uint64, take func(Record) error) error {
	r := reader{s: s, next: from, to: to, take: take}
	for moved := time.Now(); r.next <= to; {
		before := r.next
		err := r.once(ctx)
		if r.refused != nil {
			return r.refused
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if r.next > before {
			moved = time.Now()
		}
		if err != nil && time.Since(moved) > readPatience {
			return fmt.Errorf("%w: position %d of stream %s cannot be read: %w", ErrUnavailable, r.next, s.Name, err)
		}
		if err != nil {
			pause(ctx, readPause)
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

type reader struct {
	s        *Stream
	next, to uint64
	take     func(Record) error
	refused  error         // by take
	asked    time.Duration // for records that consumers left out
}

// once reads with one consumer, until it fails or everything was read.
func (r *reader) once(ctx context.Context) error {
	messages, err := r.consume(ctx)
	if err != nil {
		return err
	}
	defer messages.Stop()
	for r.next <= r.to {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		pos := meta.Sequence.Stream
		if err := r.leftOut(ctx, pos); err != nil {
			return err
		}
		if pos < r.next || pos > r.to { // a consumer on a server that is behind begins where that server's stream ends
			continue
		}
		if err := r.pass(Record{HeadersOf(m.Headers()), pos, meta.Timestamp, m.Data()}); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) pass(rec Record) error {
	r.refused = r.take(rec)
	r.next = rec.Position + 1
	return r.refused
}

// leftOut reads what the consumer has left out before a position: a server leaves out what it cannot read on its own
// disk, and a message may get lost with a connection.
func (r *reader) leftOut(ctx context.Context, before uint64) error {
	for pos := r.next; pos < min(before, r.to+1); pos++ {
		m, err := r.ask(ctx, pos)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			r.next = pos + 1
			continue
		}
		if err != nil {
			return err
		}
		if err := r.pass(Record{HeadersOf(m.Header), pos, m.Time, m.Data}); err != nil {
			return err
		}
	}
	return nil
}

// ask reads a record that a consumer has left out. Any of the servers may answer, and one that is behind or whose disk
// is damaged does not know it; so it is asked again for a while, which all such records share.
func (r *reader) ask(ctx context.Context, pos uint64) (*jetstream.RawStreamMsg, error) {
	for {
		began := time.Now()
		asking, cancel := context.WithTimeout(ctx, answerTimeout)
		m, err := r.s.Stream.GetMsg(asking, pos)
		cancel()
		if !errors.Is(err, jetstream.ErrMsgNotFound) || r.asked > askPatience || ctx.Err() != nil {
			return m, err
		}
		pause(ctx, readPause)
		r.asked += time.Since(began)
	}
}

func (r *reader) consume(ctx context.Context) (jetstream.MessagesContext, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	consumer, err := r.s.Stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: r.next, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: unusedConsumer,
	})
	if err != nil {
		return nil, err
	}
	return consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(readMessages, readBytes),
		jetstream.PullHeartbeat(readHeartbeat), jetstream.PullExpiry(readExpiry),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
}
