package cmdlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/swarmcall/swarmcall/internal/cmdlog/stream"
)

const (
	mostBatch    = stream.MostRecords
	fetchTimeout = 5 * time.Second
	leaderPause  = 20 * time.Millisecond // before a leader that does not know an old record is asked again
)

// external is a stream of a NATS cluster that several processes append to.
type external struct {
	at      *stream.Stream
	created time.Time
	recent  recent
}

var _ sharedEngine = (*external)(nil)

// publish sends an append: one message, or an atomic batch.
func (e *external) publish(ctx context.Context, p parcel) error {
	return e.at.Publish(ctx, stream.Append{ID: p.id, After: p.after, Records: p.records})
}

// state asks the leader. While a stream has no leader, any of its servers answers, with what it happens to know: such
// an answer is an error.
func (e *external) state(ctx context.Context) (state, error) {
	info, err := e.at.Stream.Info(ctx)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return state{}, fmt.Errorf("%w: %s", errAbsent, e.at.Name)
	case err != nil:
		return state{}, fmt.Errorf("%w: the leader of stream %s does not answer: %w", errUnavailable, e.at.Name, err)
	case !stream.FromLeader(info):
		return state{}, fmt.Errorf("%w: stream %s has no leader", errUnavailable, e.at.Name)
	case !info.Created.Equal(e.created):
		return state{}, fmt.Errorf("%w: stream %s was deleted, and created again at %v", errReplaced, e.at.Name,
			info.Created)
	}
	if err := stream.Fits(info.Config, e.at.Subject); err != nil {
		return state{}, fmt.Errorf("%w: %w", errReplaced, err)
	}
	return stateOf(info), nil
}

func stateOf(info *jetstream.StreamInfo) state {
	return state{
		last: info.State.LastSeq, records: info.State.Msgs, bytes: int64(info.State.Bytes), max: info.Config.MaxBytes,
	}
}

// fetch reads a record that the tail has seen. Any server of the stream may answer, and one that is behind does not
// know it yet; the leader does.
func (e *external) fetch(ctx context.Context, pos uint64) ([]byte, error) {
	if b, ok := e.recent.get(pos); ok {
		return b, nil
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	if m, err := e.at.Stream.GetMsg(ctx, pos); err == nil {
		return m.Data, nil
	}
	m, err := e.ask(ctx, pos)
	if err != nil {
		return nil, fmt.Errorf("read log position %d: %w", pos, err)
	}
	return m.data, nil
}

// ask reads a record from the leader. It asks again while there is no leader, and while the leader does not have a record
// that the tail has received from a server which was faster.
func (e *external) ask(ctx context.Context, pos uint64) (message, error) {
	for {
		m, err := e.askOnce(ctx, pos)
		later := errors.Is(err, jetstream.ErrMsgNotFound) && e.recent.seen(pos)
		if !later && !errors.Is(err, errUnavailable) {
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
	subject := jetstream.DefaultAPIPrefix + "STREAM.MSG.GET." + e.at.Name
	reply, err := e.at.Conn.RequestWithContext(ctx, subject, request)
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
	h := stream.HeadersOf(header)
	return message{pos: pos, data: data, id: h.ID, records: h.Records, copied: h.Copied}
}

func (e *external) health() error {
	if !e.at.Conn.IsConnected() {
		return fmt.Errorf("the server is not connected to NATS (%s)", strings.ToLower(e.at.Conn.Status().String()))
	}
	return nil
}

// close leaves the connection open: it belongs to the caller.
func (e *external) close() error { return nil }
