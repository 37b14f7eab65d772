package cmdlog

import (
	"context"
	"errors"

	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
)

// engine stores the records of a log in a JetStream stream. There are two: embedded runs a server in this process, and
// external speaks to a cluster. Everything above it is the same code.
type engine interface {
	// publish stores all records of an append after its position, or none. The error is of one of the kinds below.
	publish(ctx context.Context, a parcel) error

	// state returns the state of the stream, as its leader knows it.
	state(ctx context.Context) (state, error)

	// fetch returns the stored bytes at a position. The error is jetstream.ErrMsgNotFound if there is no record.
	fetch(ctx context.Context, pos uint64) ([]byte, error)

	// health returns why the engine could not accept an append now, or nil. It asks nobody.
	health() error

	// close ends the engine. No other method may be called after it.
	close() error
}

// sharedEngine is an engine whose stream has several writers.
type sharedEngine interface {
	engine

	// follow calls take with each message after a position, in order and without a gap, until ctx ends or take returns
	// an error. An error of its own means that the stream has lost records. A value from again says that messages are
	// missing: what follow waits for may be lost, and it asks for it again.
	follow(ctx context.Context, after uint64, again <-chan struct{}, take func(message) error) error
}

// parcel is an append as an engine stores it.
type parcel struct {
	id      string // of the append, unique; "" if the engine is the only writer
	after   uint64 // the position that the log must end at
	records [][]byte
}

func (p parcel) first() uint64 { return p.after + 1 }

// message is a record of a shared stream, with what its writer said about the append that it belongs to.
type message struct {
	pos     uint64
	data    []byte
	id      string // of the append; "" if its writer did not say
	records int    // how many records the append has
	copied  uint64 // of the first record of a copied log: the position that the log ended at; else 0
}

// state is the state of a stream.
type state struct {
	last    uint64 // position of the last record
	records uint64
	bytes   int64
	max     int64 // bytes that the stream may take; 0 if the engine has no bound of its own
}

// The kinds of errors of an engine. An error of another kind is a refusal: nothing was stored, and it would be refused
// again.
var (
	errConflict    = stream.ErrConflict
	errUncertain   = stream.ErrUncertain
	errUnavailable = stream.ErrUnavailable
	errFull        = stream.ErrFull
	errAbsent      = stream.ErrAbsent
	errBroken      = errors.New("the log's stream has lost records")
	errReplaced    = errors.New("the log's stream is not the one it was")
)

// life is how a log ends before it is closed: its content is no longer certain, so nothing may be sent that depends on
// it.
type life struct {
	alive  context.Context // ends with the log's failure, which is its cause
	kill   context.CancelCauseFunc
	failed chan error // what ended the log, at most once
}

func newLife() *life {
	f := &life{failed: make(chan error, 1)}
	f.alive, f.kill = context.WithCancelCause(context.Background())
	return f
}

// die ends the log. Only the first error counts.
func (f *life) die(err error) error {
	f.kill(err)
	select {
	case f.failed <- err:
	default:
	}
	return err
}

// failure returns what ended the log, or nil.
func (f *life) failure() error { return context.Cause(f.alive) }
