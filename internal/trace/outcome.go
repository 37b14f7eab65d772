package trace

import (
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	oteltrace "go.opentelemetry.io/otel/trace"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// The attributes of spans and events.
const (
	keyType      = attribute.Key("swarmcall.command.type")
	keyValue     = attribute.Key("swarmcall.command.value")
	keyTotal     = attribute.Key("swarmcall.command.total")
	keySubmitter = attribute.Key("swarmcall.submitter")
	keyDeadline  = attribute.Key("swarmcall.deadline_ms")
	keyRequest   = attribute.Key("swarmcall.request_id")
	keyCause     = attribute.Key("swarmcall.cause")

	keySeq        = attribute.Key("swarmcall.seq")
	keyReplayed   = attribute.Key("swarmcall.replayed")
	keyStatus     = attribute.Key("swarmcall.status")
	keyTargets    = attribute.Key("swarmcall.targets")
	keyAcked      = attribute.Key("swarmcall.acked")
	keyRejected   = attribute.Key("swarmcall.rejected")
	keySuperseded = attribute.Key("swarmcall.superseded")
	keyMissing    = attribute.Key("swarmcall.missing")
	keyLeftOut    = attribute.Key("swarmcall.left_out")
	keyUnlisted   = attribute.Key("swarmcall.unlisted") // rejected and missing drivers without an event

	keyDriver = attribute.Key("swarmcall.driver_id")
	keyReason = attribute.Key("swarmcall.reason")
	keyCode   = attribute.Key("swarmcall.code")
)

// The events of a span.
const (
	eventIssued   = "issued"
	eventRejected = "rejected"
	eventMissing  = "missing"
)

// maxEvents bounds the events of a span for missing drivers, and those for drivers that rejected the command. The SDK
// keeps 128 events of a span unless the environment says otherwise.
const maxEvents = 60

// submitted returns what is known of a command when its span begins.
func submitted(r *swarm.Request, s *swarm.Submission) []attribute.KeyValue {
	out := []attribute.KeyValue{
		keyType.String(string(s.Command.Type)), keySubmitter.String(clean(s.Submitter)),
		keyDeadline.Int64(s.Deadline.Milliseconds()),
	}
	if row, known := s.Command.Type.Row(); known && row.HasValue() {
		out = append(out, keyValue.Int64(s.Command.Value), keyTotal.Bool(s.Command.Total))
	}
	if r.ID != "" {
		out = append(out, keyRequest.String(r.ID))
	}
	if s.Cause != "" {
		out = append(out, keyCause.String(clean(s.Cause)))
	}
	return out
}

// ended ends the span of a command with its outcome.
func (c *follower) ended(e swarm.Entry) {
	n, targets := e.Counts(), len(e.Closed.Verdicts)
	c.span.SetAttributes(keySeq.Int64(int64(e.Seq)), keyStatus.String(string(e.Status())), keyTargets.Int(targets),
		keyAcked.Int(n.Acked), keyRejected.Int(n.Rejected), keySuperseded.Int(n.Superseded), keyMissing.Int(n.Missing),
		keyLeftOut.Int(e.LeftOut()))
	c.span.AddEvent(eventIssued, oteltrace.WithTimestamp(c.issued))
	at := later(e.Closed.ClosedAt, c.issued)
	if unlisted := c.verdicts(e, at); unlisted > 0 {
		c.span.SetAttributes(keyUnlisted.Int(unlisted))
	}
	if not := n.Rejected + n.Missing; not > 0 {
		c.fail(string(e.Status()), fmt.Sprintf("%d of %d drivers have not applied the command", not, targets))
	}
	c.span.End(oteltrace.WithTimestamp(at))
}

// verdicts adds the events of an outcome, in the order of the targets. It returns how many have been left out.
func (c *follower) verdicts(e swarm.Entry, closed time.Time) (unlisted int) {
	rejected, missing := 0, 0
	for i, v := range e.Closed.Verdicts {
		if i >= len(e.Issued.Targets) {
			break
		}
		driver := keyDriver.String(e.Issued.Targets[i])
		switch v.Kind {
		case swarm.Rejected:
			if rejected++; rejected <= maxEvents {
				c.span.AddEvent(eventRejected, oteltrace.WithTimestamp(c.issued.Add(v.Latency)),
					oteltrace.WithAttributes(driver, keyCode.String(clean(v.Code))))
			}
		case swarm.Missing:
			if missing++; missing <= maxEvents {
				c.span.AddEvent(eventMissing, oteltrace.WithTimestamp(closed),
					oteltrace.WithAttributes(driver, keyReason.String(string(v.Reason))))
			}
		case swarm.Acked, swarm.Superseded, swarm.Undecided:
		}
	}
	return max(rejected-maxEvents, 0) + max(missing-maxEvents, 0)
}

// later returns the later of two times: the clock may have been set back.
func later(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}
