package cmdlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	followPause     = 50 * time.Millisecond // before another consumer is created
	followHeartbeat = time.Second           // two missing ones mean that the consumer is gone
	followExpiry    = 10 * time.Second
	followMessages  = 500
	followBytes     = 4 * enginePayload // of one request; more than any message
	unusedConsumer  = 30 * time.Second  // after which the servers remove a consumer that nobody uses
	gapPatience     = 30 * time.Second  // for the leader to say whether it has a record that a consumer left out
)

var (
	errFollowAgain = errors.New("messages may be lost")
	errMissed      = errors.New("the consumer has delivered a message that did not arrive")
)

// follow reads the stream with one consumer after the other. A consumer ends with its server; and with each
// connection, because the servers count a message as delivered that was on its way when the connection broke. The
// client library has such a consumer, but it may wait for 10 s for an answer that got lost.
func (e *external) follow(
	ctx context.Context, after uint64, again <-chan struct{}, take func(message) error,
) error {
	connected := e.at.Conn.StatusChanged(nats.CONNECTED)
	defer e.at.Conn.RemoveStatusListener(connected)
	next := after + 1
	for {
		one, end := context.WithCancelCause(ctx)
		var waiting sync.WaitGroup
		waiting.Go(func() {
			select {
			case <-one.Done():
			case <-connected:
			case <-again:
			}
			end(errFollowAgain)
		})
		err := e.followOnce(one, &next, take)
		restart := errors.Is(context.Cause(one), errFollowAgain)
		end(nil)
		waiting.Wait()
		var lost *lostError
		if errors.As(err, &lost) {
			return lost.cause
		}
		if ctx.Err() != nil {
			return nil
		}
		if restart {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-connected:
		case <-time.After(followPause):
		}
	}
}

// lostError is an error that another consumer would not change.
type lostError struct{ cause error }

func (e *lostError) Error() string { return e.cause.Error() }

// followOnce follows the stream until the consumer fails. next is the position that take needs next.
func (e *external) followOnce(ctx context.Context, next *uint64, take func(message) error) error {
	messages, err := e.consume(ctx, *next)
	if err != nil {
		return err
	}
	defer messages.Stop()
	for delivered := uint64(1); ; delivered++ {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != delivered {
			return errMissed
		}
		if err := e.arrived(ctx, newMessage(meta.Sequence.Stream, m.Headers(), m.Data()), next, take); err != nil {
			return err
		}
	}
}

// consume begins to receive the messages from a position on.
func (e *external) consume(ctx context.Context, from uint64) (jetstream.MessagesContext, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	consumer, err := e.at.Stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: unusedConsumer,
	})
	if err != nil {
		return nil, err
	}
	return consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(followMessages, followBytes),
		jetstream.PullHeartbeat(followHeartbeat), jetstream.PullExpiry(followExpiry),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
}

// arrived passes a message on, and before it those that the consumer left out.
func (e *external) arrived(ctx context.Context, m message, next *uint64, take func(message) error) error {
	if m.pos < *next {
		return e.again(m)
	}
	for *next < m.pos {
		left, err := e.leftOut(ctx, *next, m.pos)
		if err != nil {
			return err
		}
		if err := e.deliver(left, next, take); err != nil {
			return err
		}
	}
	return e.deliver(m, next, take)
}

func (e *external) deliver(m message, next *uint64, take func(message) error) error {
	e.recent.add(m.pos, m.data)
	if err := take(m); err != nil {
		return &lostError{err}
	}
	*next = m.pos + 1
	return nil
}

// again receives a message once more: a consumer on a server that is behind begins where that server's stream ends. It
// must be the same one.
func (e *external) again(m message) error {
	if before, ok := e.recent.get(m.pos); ok && !bytes.Equal(before, m.data) {
		return &lostError{fmt.Errorf("%w: there is another record at position %d now", errBroken, m.pos)}
	}
	return nil
}

// leftOut returns a message that the consumer has not delivered. A server leaves out what it cannot read on its own
// disk; the leader may still have it.
func (e *external) leftOut(ctx context.Context, pos, before uint64) (message, error) {
	asking, cancel := context.WithTimeout(ctx, gapPatience)
	defer cancel()
	m, err := e.ask(asking, pos)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return message{}, &lostError{fmt.Errorf("%w: there is no record at position %d, and there is one at %d",
			errBroken, pos, before)}
	}
	return m, err
}
