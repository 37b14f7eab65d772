package cmdlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// Headers of a record in a shared stream.
const (
	appendHeader  = "Swarmcall-Append"  // id of the append that the record belongs to
	recordsHeader = "Swarmcall-Records" // how many records that append has
)

const (
	mostBatch        = 1000    // messages of one atomic batch: a limit of the servers
	headerRoom       = 4 << 10 // bytes of a message that its headers may take
	externalOverhead = 512     // bytes that the servers store around a record, rounded up
	fetchTimeout     = 5 * time.Second
	leaderPause      = 20 * time.Millisecond // before a leader that does not know an old record is asked again
)

// Codes of the servers' errors that the client library has no names for.
const (
	codeNoResources      = 10023 // of a server
	codeAccountResources = 10002
	codeStorage          = 10047
	codeBatchIncomplete  = 10176
	codeBatchesInflight  = 10210
)

// external is a stream of a NATS cluster that several processes append to.
type external struct {
	conn    *nats.Conn
	js      jetstream.JetStream
	stream  jetstream.Stream
	name    string
	subject string
	created time.Time
	recent  recent
}

var _ sharedEngine = (*external)(nil)

// publish sends an append: one message, or an atomic batch.
func (e *external) publish(ctx context.Context, p parcel) error {
	if !e.conn.IsConnected() { // the library would send it later, when nobody waits for it
		return fmt.Errorf("%w: %w", errUnavailable, nats.ErrDisconnected)
	}
	messages := e.messages(p)
	var err error
	if len(messages) == 1 {
		_, err = e.js.PublishMsg(ctx, messages[0], jetstream.WithRetryAttempts(0))
	} else {
		// Nothing is waited for until the last message is sent: it ends the batch, whatever becomes of it.
		_, err = jetstreamext.PublishMsgBatch(ctx, e.js, messages, jetstreamext.BatchFlowControl{})
	}
	return kindOf(err)
}

// messages returns an append as messages. Only the first one has the expected position: the servers check a batch as a
// whole.
func (e *external) messages(p parcel) []*nats.Msg {
	out := make([]*nats.Msg, len(p.records))
	for i, data := range p.records {
		m := nats.NewMsg(e.subject)
		m.Data = data
		m.Header.Set(appendHeader, p.id)
		m.Header.Set(recordsHeader, strconv.Itoa(len(p.records)))
		if i == 0 {
			m.Header.Set(jetstream.ExpectedStreamHeader, e.name)
			m.Header.Set(jetstream.ExpectedLastSeqHeader, strconv.FormatUint(p.after, 10))
		}
		out[i] = m
	}
	return out
}

// kindOf returns the error of a publish as one of an engine.
func kindOf(err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, jetstream.ErrNoStreamResponse),
		errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionClosed):
		return fmt.Errorf("%w: %w", errUnavailable, err)
	case errors.Is(err, nats.ErrMaxPayload):
		return err
	case !errors.As(err, &api):
		return fmt.Errorf("%w: %w", errUncertain, err)
	}
	kind, known := kinds[api.ErrorCode]
	switch {
	case api.ErrorCode == codeStoreFailed && strings.Contains(api.Description, "maximum"):
		kind = errFull
	case !known && api.Code >= 500:
		kind = errUnavailable
	case !known:
		return err
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// kinds are the errors that servers answer a publish with. Others are refusals, or make the stream unavailable.
var kinds = map[jetstream.ErrorCode]error{
	jetstream.JSErrCodeStreamWrongLastSequence:         errConflict,
	jetstream.JSErrCodeStreamWrongLastSequenceConstant: errConflict,
	codeNoResources:      errFull,
	codeAccountResources: errFull,
	codeStorage:          errFull,
	codeBatchIncomplete:  errUnavailable,
	codeBatchesInflight:  errUnavailable,
	codeStoreFailed:      errUncertain, // unless it says that a limit was reached
}

// state asks the leader. While a stream has no leader, any of its servers answers, with what it happens to know: such
// an answer is an error.
func (e *external) state(ctx context.Context) (state, error) {
	info, err := e.stream.Info(ctx)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return state{}, fmt.Errorf("%w: %s", errAbsent, e.name)
	case err != nil:
		return state{}, fmt.Errorf("%w: the leader of stream %s does not answer: %w", errUnavailable, e.name, err)
	case !fromLeader(info):
		return state{}, fmt.Errorf("%w: stream %s has no leader", errUnavailable, e.name)
	case !info.Created.Equal(e.created):
		return state{}, fmt.Errorf("%w: stream %s was deleted, and created again at %v", errReplaced, e.name,
			info.Created)
	}
	if err := fits(info.Config, e.subject); err != nil {
		return state{}, fmt.Errorf("%w: %w", errReplaced, err)
	}
	return stateOf(info), nil
}

func stateOf(info *jetstream.StreamInfo) state {
	return state{
		last: info.State.LastSeq, records: info.State.Msgs, bytes: int64(info.State.Bytes), max: info.Config.MaxBytes,
	}
}

// fromLeader reports whether the leader gave this answer: a server never lists itself among the replicas, unless there
// is no leader.
func fromLeader(info *jetstream.StreamInfo) bool {
	c := info.Cluster
	if c == nil {
		return true
	}
	return c.Leader != "" && !slices.ContainsFunc(c.Replicas, func(p *jetstream.PeerInfo) bool {
		return p.Name == c.Leader
	})
}

// fetch reads a record that the tail has seen. Any server of the stream may answer, and one that is behind does not
// know it yet; the leader does.
func (e *external) fetch(ctx context.Context, pos uint64) ([]byte, error) {
	if b, ok := e.recent.get(pos); ok {
		return b, nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	if m, err := e.stream.GetMsg(ctx, pos); err == nil {
		return m.Data, nil
	}
	m, err := e.ask(ctx, pos)
	if err != nil {
		return nil, fmt.Errorf("read log position %d: %w", pos, err)
	}
	return m.data, nil
}

// ask reads a record from the leader. It asks again while there is none.
func (e *external) ask(ctx context.Context, pos uint64) (message, error) {
	for {
		m, err := e.askOnce(ctx, pos)
		if !errors.Is(err, errUnavailable) {
			return m, err
		}
		select {
		case <-ctx.Done():
			return message{}, err
		case <-time.After(leaderPause):
		}
	}
}

func (e *external) askOnce(ctx context.Context, pos uint64) (message, error) {
	request, err := json.Marshal(map[string]uint64{"seq": pos})
	if err != nil {
		return message{}, err
	}
	subject := jetstream.DefaultAPIPrefix + "STREAM.MSG.GET." + e.name
	reply, err := e.conn.RequestWithContext(ctx, subject, request)
	if err != nil {
		return message{}, fmt.Errorf("%w: %w", errUnavailable, err)
	}
	var answer struct {
		Message *struct {
			Seq    uint64 `json:"seq"`
			Header []byte `json:"hdrs"`
			Data   []byte `json:"data"`
		} `json:"message"`
		Error *jetstream.APIError `json:"error"`
	}
	if err := json.Unmarshal(reply.Data, &answer); err != nil {
		return message{}, err
	}
	switch {
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return message{}, jetstream.ErrMsgNotFound
	case answer.Error != nil && answer.Error.Code >= 500:
		return message{}, fmt.Errorf("%w: %w", errUnavailable, answer.Error)
	case answer.Error != nil:
		return message{}, answer.Error
	case answer.Message == nil:
		return message{}, jetstream.ErrInvalidJetStreamResponse
	}
	var header nats.Header
	if len(answer.Message.Header) > 0 {
		if header, err = nats.DecodeHeadersMsg(answer.Message.Header); err != nil {
			return message{}, err
		}
	}
	return newMessage(answer.Message.Seq, header, answer.Message.Data), nil
}

func newMessage(pos uint64, header nats.Header, data []byte) message {
	n, _ := strconv.Atoi(header.Get(recordsHeader)) // 0 if its writer did not say
	return message{pos: pos, data: data, id: header.Get(appendHeader), records: n}
}

func (e *external) health() error {
	if !e.conn.IsConnected() {
		return fmt.Errorf("the server is not connected to NATS (%s)", strings.ToLower(e.conn.Status().String()))
	}
	return nil
}

// close leaves the connection open: it belongs to the caller.
func (e *external) close() error { return nil }
