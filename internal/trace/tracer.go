package trace

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Tracer makes the spans of commands. Its methods are safe for concurrent use. A nil Tracer makes none: its methods do
// nothing, except that Begin passes on the trace of the client.
type Tracer struct {
	provider *sdktrace.TracerProvider
	out      *ending
	spans    oteltrace.Tracer

	mu     sync.Mutex
	open   map[uint64]*follower // by seq: issued, and Follow has not read the outcome
	closed bool
	read   uint64        // position up to which Follow has read the log
	more   chan struct{} // closed and replaced when read has changed
}

// Begin begins the span of a command, which ctx may put into the trace of a client, and gives s the traceparent for
// drivers. A trace that is not sampled has no span.
func (t *Tracer) Begin(ctx context.Context, s *swarm.Submission) {
	request := swarm.RequestOf(ctx)
	if t == nil {
		s.Traceparent = request.Trace.Parent
		return
	}
	kind := oteltrace.SpanKindServer
	if s.Cause != "" {
		kind = oteltrace.SpanKindInternal // no request of a client
	}
	_, span := t.spans.Start(parentOf(request.Trace), "command "+string(s.Command.Type), oteltrace.WithSpanKind(kind),
		oteltrace.WithAttributes(submitted(request, s)...))
	s.Traceparent = traceparent(span.SpanContext())
	if span.IsRecording() {
		s.Follower = &follower{tracer: t, span: span}
	}
}

// parentOf returns a context in which a span continues the trace of a client. It has nothing else of the request, which
// may end before the command.
func parentOf(from swarm.Trace) context.Context {
	if from.Parent == "" {
		return context.Background()
	}
	return propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier{
		"traceparent": from.Parent, "tracestate": from.State,
	})
}

func traceparent(c oteltrace.SpanContext) string {
	flags := 0
	if c.IsSampled() {
		flags = 1
	}
	return fmt.Sprintf("00-%s-%s-%02x", c.TraceID(), c.SpanID(), flags)
}

// add puts the span of an issued command into the table; false if the Tracer is closed.
func (t *Tracer) add(seq uint64, c *follower) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return false
	}
	t.open[seq] = c
	return true
}

// find returns the span of an open command, nil if there is none.
func (t *Tracer) find(seq uint64) *follower {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open[seq]
}

// take removes the span of a command from the table.
func (t *Tracer) take(seq uint64) *follower {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.open[seq]
	delete(t.open, seq)
	return c
}

// takeAll empties the table for good.
func (t *Tracer) takeAll() map[uint64]*follower {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := t.open
	t.open, t.closed = nil, true
	return all
}

// endGrace is how long the goroutine of the SDK may take to end after its requests were cut off.
const endGrace = 250 * time.Millisecond

// Close ends the spans of commands without an outcome, and sends what has not been sent yet, until ctx ends. Then it
// gives up the rest, and returns within endGrace. It is called once. No span is sent after it.
func (t *Tracer) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	for _, c := range t.takeAll() {
		c.withoutOutcome()
	}
	err := t.provider.Shutdown(ctx)
	if ctx.Err() == nil {
		return err
	}
	// otherwise the goroutine of the SDK would go on until its own timeout
	err = errors.Join(err, t.out.SpanExporter.Shutdown(context.WithoutCancel(ctx)))
	cut := time.NewTimer(endGrace)
	defer cut.Stop()
	select {
	case <-t.out.ended:
	case <-cut.C:
	}
	return err
}
