package trace

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// follower is the span of one submission.
type follower struct {
	tracer *Tracer
	span   oteltrace.Span
	told   atomic.Bool // what has become of the submission
	issued time.Time
}

var _ swarm.Follower = (*follower)(nil)

// first reports whether this is the first call of a method of swarm.Follower.
func (c *follower) first() bool { return c.told.CompareAndSwap(false, true) }

// Issued implements swarm.Follower.
func (c *follower) Issued(seq uint64) {
	if !c.first() {
		return
	}
	c.issued = time.Now()
	if !c.tracer.add(seq, c) {
		c.withoutOutcome()
	}
}

// Replayed implements swarm.Follower. The span becomes one of the request only: the command has its own.
func (c *follower) Replayed(seq uint64) {
	if !c.first() {
		return
	}
	c.span.SetName("replay")
	c.span.SetAttributes(keySeq.Int64(int64(seq)), keyReplayed.Bool(true))
	if original := c.tracer.find(seq); original != nil {
		c.span.AddLink(oteltrace.Link{SpanContext: original.span.SpanContext()})
	}
	c.span.End()
}

// Refused implements swarm.Follower.
func (c *follower) Refused(err error) {
	if !c.first() {
		return
	}
	kind, text := refusal(err)
	c.fail(kind, text)
	c.span.End()
}

// codeDisconnected is the error.type of a command whose client left before it was issued.
const codeDisconnected = "disconnected"

// refusal returns the kind of a refusal, and a text for people. The cause of an error is for the server's log only.
func refusal(err error) (kind, text string) {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return codeDisconnected, "the client disconnected before the command was issued; nothing was sent"
	}
	e, ok := errors.AsType[*swarm.Error](err)
	if !ok {
		return string(swarm.CodeInternal), "see the log of the server"
	}
	text = e.Detail
	for _, f := range e.Fields {
		text += "; " + f.Pointer + " " + f.Detail
	}
	return string(e.Code), text
}

// withoutOutcome ends the span of a command whose outcome is not known.
func (c *follower) withoutOutcome() {
	c.fail("unknown", "the server stopped before the outcome was in its log")
	c.span.End()
}

func (c *follower) fail(kind, text string) {
	c.span.SetAttributes(attribute.String("error.type", kind))
	c.span.SetStatus(codes.Error, clean(text))
}

// maxText bounds the texts of a span.
const maxText = 512

// clean makes a text fit for a collector, which may show it to more people than the server does.
func clean(s string) string {
	s = swarm.MaskSecrets(strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}
