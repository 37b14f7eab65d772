package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// Headers of a record.
const (
	appendHeader  = "Swarmcall-Append"  // id of the append that the record belongs to
	recordsHeader = "Swarmcall-Records" // how many records that append has
	// On the first record of a log that was copied into the stream: the position that it ended at. Until the stream
	// reaches it, the copy is not complete.
	copiedHeader = "Swarmcall-Copied"
)

// MostRecords is how many records an append may have: a limit of the servers.
const MostRecords = 1000

// The kinds of errors. An error of another kind is a refusal: nothing was stored, and it would be refused again.
var (
	ErrConflict    = errors.New("the log does not end where the append was to begin")
	ErrUncertain   = errors.New("it is not known whether the append was stored")
	ErrUnavailable = errors.New("the log's stream cannot be reached; nothing was stored")
	ErrFull        = errors.New("the log's stream is full; nothing was stored")
	ErrAbsent      = errors.New("the log's stream does not exist")
)

// Append is records to store together.
type Append struct {
	ID      string // unique; "" for copied records, each of which counts as an append of its own
	After   uint64 // the position that the log must end at
	Copied  uint64 // if the log is being copied: the position that it ends at
	Records [][]byte
}

// Headers are what the headers of a record say.
type Headers struct {
	ID      string // of the append; "" if its writer did not say
	Records int    // how many records the append has; 0 if its writer did not say
	Copied  uint64 // position that a copied log ended at; only on its first record
}

// HeadersOf reads the headers of a record.
func HeadersOf(h nats.Header) Headers {
	n, _ := strconv.Atoi(h.Get(recordsHeader))
	copied, _ := strconv.ParseUint(h.Get(copiedHeader), 10, 64)
	return Headers{ID: h.Get(appendHeader), Records: n, Copied: copied}
}

// Publish stores all records of an append, or none: in one message, or an atomic batch.
func (s *Stream) Publish(ctx context.Context, a Append) error {
	if !s.Conn.IsConnected() { // the library would send it later, when nobody waits for it
		return fmt.Errorf("%w: %w", ErrUnavailable, nats.ErrDisconnected)
	}
	messages := s.messages(a)
	var err error
	if len(messages) == 1 {
		_, err = s.JS.PublishMsg(ctx, messages[0], jetstream.WithRetryAttempts(0))
	} else {
		// Nothing is waited for until the last message is sent: it ends the batch, whatever becomes of it.
		_, err = jetstreamext.PublishMsgBatch(ctx, s.JS, messages, jetstreamext.BatchFlowControl{})
	}
	return kindOf(err)
}

// messages returns an append as messages. Only the first one has the expected position: the servers check a batch as a
// whole.
func (s *Stream) messages(a Append) []*nats.Msg {
	out := make([]*nats.Msg, len(a.Records))
	for i, data := range a.Records {
		m := nats.NewMsg(s.Subject)
		m.Data = data
		if a.ID != "" {
			m.Header.Set(appendHeader, a.ID)
			m.Header.Set(recordsHeader, strconv.Itoa(len(a.Records)))
		}
		if i == 0 {
			m.Header.Set(jetstream.ExpectedStreamHeader, s.Name)
			m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(a.After, 10))
		}
		if i == 0 && a.After == 0 && a.Copied > 0 {
			m.Header.Set(copiedHeader, strconv.FormatUint(a.Copied, 10))
		}
		out[i] = m
	}
	return out
}

// kindOf returns the error of a publish as one of the kinds above.
func kindOf(err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse),
		errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionClosed):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	case errors.Is(err, nats.ErrMaxPayload):
		return err
	case !errors.As(err, &api):
		return fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	kind, known := kinds[api.ErrorCode]
	switch {
	case api.ErrorCode == codeStoreFailed && strings.Contains(api.Description, "maximum"):
		kind = ErrFull
	case !known && api.Code >= 500:
		kind = ErrUnavailable
	case !known:
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// kinds are the errors that servers answer a publish with. Others are refusals, or make the stream unavailable.
var kinds = map[jetstream.ErrorCode]error{
	jetstream.JSErrCodeStreamWrongLastSequence:         ErrConflict,
	jetstream.JSErrCodeStreamWrongLastSequenceConstant: ErrConflict,
	codeNoResources:      ErrFull,
	codeAccountResources: ErrFull,
	codeStorage:          ErrFull,
	codeBatchIncomplete:  ErrUnavailable,
	codeBatchesInflight:  ErrUnavailable,
	codeStoreFailed:      ErrUncertain, // unless it says that a limit was reached
}
