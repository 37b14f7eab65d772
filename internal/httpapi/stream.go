package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/swarmcall/swarmcall/api"
	"github.com/swarmcall/swarmcall/api/timestamp"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

const (
	pingEvery     = 15 * time.Second
	streamTimeout = 10 * time.Second // a client that accepts nothing for this long is disconnected
	retryMS       = 2000             // how long a client should wait before it reconnects
	eventsAtOnce  = 256              // records read from the log at a time
)

// stream serves GET /commands/stream. A client first gets the records it missed from the log, then the new ones. It may
// be any distance behind, and costs the memory of one batch.
func (h *handlers) stream(w http.ResponseWriter, r *http.Request) error {
	position, err := h.position(r)
	if err != nil {
		return err
	}
	if err := h.Log.Await(r.Context(), position); err != nil {
		return err
	}
	out := openStream(w, position)
	if r.Method == http.MethodHead {
		return nil
	}
	h.Meter.StreamOpened()
	defer func() { h.Meter.StreamClosed(errors.Is(err, os.ErrDeadlineExceeded)) }()
	if last := h.Feed.Last(); position > last {
		out.gap(position, last)
	}
	submitter := r.URL.Query().Get("submitter")
	for err == nil {
		if err = out.flush(); err == nil {
			err = h.next(r.Context(), out, submitter)
		}
	}
	h.Logger.Debug("stream ended", "request_id", requestID(r.Context()), "position", out.position, "err", err)
	return nil // the headers are sent: the error can no longer be reported
}

// next puts the records after the stream's position into its buffer as events, or a ping if there are none for a while.
func (h *handlers) next(ctx context.Context, out *eventStream, submitter string) error {
	if last := h.Feed.Last(); submitter != "" && last > out.position+eventsAtOnce {
		return h.catchUp(ctx, out, submitter, last)
	}
	patience, cancel := context.WithTimeout(ctx, pingEvery)
	defer cancel()
	events, err := h.Feed.After(patience, out.position)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			out.ping()
			return nil
		}
		return err
	}
	for _, e := range events {
		if e.Position != out.position+1 {
			out.gap(out.position, e.Position-1)
		}
		out.event(e, submitter)
	}
	return nil
}

// catchUp puts some of the selected records up to a position into the buffer, and reads no others. After the last of
// them it adds a ping, which moves the client's cursor to that position.
func (h *handlers) catchUp(ctx context.Context, out *eventStream, submitter string, upTo uint64) error {
	q := swarm.EventQuery{Submitter: submitter, Common: true, After: out.position, UpTo: upTo, Limit: eventsAtOnce}
	events, err := h.Log.Events(ctx, q)
	if err != nil {
		return err
	}
	for _, e := range events {
		h.gaps(out, e.Position-1)
		out.event(e, submitter)
	}
	if len(events) < eventsAtOnce {
		h.gaps(out, upTo)
		out.position = upTo
		out.ping()
	}
	return nil
}

// gaps reports the absent positions after the stream's position, up to upTo.
func (h *handlers) gaps(out *eventStream, upTo uint64) {
	for _, s := range h.Log.Absent(out.position, upTo) {
		out.gap(s.From-1, s.To)
	}
}

// position returns where the client wants to continue: its header overrides the parameter; without both, at the end.
func (h *handlers) position(r *http.Request) (uint64, error) {
	after, source := r.URL.Query().Get("after"), "the query parameter after"
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		after, source = id, "the header Last-Event-ID"
	}
	if after == "" {
		return h.Feed.Last(), nil
	}
	n, err := strconv.ParseUint(after, 10, 63)
	if err != nil {
		return 0, swarm.Errorf(swarm.CodeBadRequest,
			source+" must be a log position: a whole number, as the id of an event")
	}
	return n, nil
}

// eventStream is a client's Server-Sent Events: a buffer that is written with one write and a deadline.
type eventStream struct {
	w        http.ResponseWriter
	control  *http.ResponseController
	position uint64 // of the newest record that was sent, or excluded by the filter
	buffer   bytes.Buffer
}

func openStream(w http.ResponseWriter, position uint64) *eventStream {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy that buffers the stream makes it useless
	w.WriteHeader(http.StatusOK)
	s := &eventStream{w: w, control: http.NewResponseController(w), position: position}
	fmt.Fprintf(&s.buffer, "retry: %d\n\n", retryMS)
	return s
}

// flush writes the buffer. The deadline is only for this write: HTTP/2 would reset the stream when it passes, even if
// nothing is written then.
func (s *eventStream) flush() error {
	if err := s.deadline(time.Now().Add(streamTimeout)); err != nil {
		return err
	}
	if _, err := s.buffer.WriteTo(s.w); err != nil {
		return err
	}
	s.buffer.Reset()
	if err := s.control.Flush(); err != nil {
		return err
	}
	return s.deadline(time.Time{})
}

func (s *eventStream) deadline(at time.Time) error {
	if err := s.control.SetWriteDeadline(at); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

func (s *eventStream) event(e *swarm.Event, submitter string) {
	s.position = e.Position
	if submitter == "" || e.Issued == nil || e.Issued.Submitter == submitter {
		s.buffer.Write(e.Encoded(encodeEvent))
	}
}

// ping keeps proxies from closing the stream. Its id moves a client's cursor past records that its filter excludes.
func (s *eventStream) ping() { fmt.Fprintf(&s.buffer, ": ping\nid: %d\n\n", s.position) }

// gap reports that the positions from after+1 to position are not in this log: the client must read its state again.
func (s *eventStream) gap(after, position uint64) {
	s.position = position
	fmt.Fprintf(&s.buffer, "id: %d\nevent: gap\ndata: {\"after\":%d,\"position\":%d}\n\n", position, after, position)
}

// encodeEvent builds the frame of a record, the same for every client.
func encodeEvent(e *swarm.Event) []byte {
	name, data := eventOf(e)
	b, err := json.Marshal(data)
	if err != nil {
		// text is checked before it is stored, and again when it is read
		panic("cannot encode an event as JSON: " + err.Error())
	}
	return fmt.Appendf(nil, "id: %d\nevent: %s\ndata: %s\n\n", e.Position, name, b)
}

func eventOf(e *swarm.Event) (name string, data any) {
	switch r := e.Record.(type) {
	case *swarm.Issued:
		return "issued", entryOf(swarm.Entry{Seq: e.Position, Issued: r}, minimal)
	case *swarm.Closed:
		if e.Issued == nil || len(e.Issued.Targets) != len(r.Verdicts) {
			return "closed", map[string]any{"seq": r.Seq, "status": r.Status()} // its command is lost
		}
		return "closed", entryOf(swarm.Entry{Seq: r.Seq, Issued: e.Issued, Closed: r}, minimal)
	case *swarm.Late:
		late := make([]api.Late, len(r.Acks))
		for i, l := range r.Acks {
			late[i] = lateTo(l)
		}
		return "late", map[string]any{"seq": r.Seq, "late": late}
	case *swarm.Expired:
		return "expired", map[string]any{
			"seq": e.Position, "replaced": r.Replaced, "target": targetTo(r.Target), "cause": r.Cause,
			"at": timestamp.Of(r.At),
		}
	default:
		reset := e.Record.(*swarm.Reset)
		return "reset", map[string]any{"cause": reset.Cause}
	}
}
