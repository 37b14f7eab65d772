package trace

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	oteltrace "go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	traceID = "0af7651916cd43dd8448eb211c80319c"
	spanID  = "b7ad6b7169203331"
	parent  = "00-" + traceID + "-" + spanID + "-01"
)

// exported is a collector in memory that keeps what it received when it is shut down.
type exported struct {
	mu    sync.Mutex
	spans tracetest.SpanStubs
}

func (e *exported) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.spans = append(e.spans, tracetest.SpanStubsFromReadOnlySpans(spans)...)
	return nil
}

func (e *exported) Shutdown(context.Context) error { return nil }

// world is a Tracer with a feed of its own.
type world struct {
	*Tracer
	t    *testing.T
	out  *exported
	feed chan []*swarm.Event
	last uint64
	end  func()
}

// inWorld runs test in a bubble of fake time.
func inWorld(t *testing.T, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		out := &exported{}
		w := &world{
			Tracer: newTracer(out, resource.Empty()), t: t, out: out,
			feed: make(chan []*swarm.Event),
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			w.Follow(ctx, w, 0)
		}()
		w.end = sync.OnceFunc(func() {
			cancel()
			<-ended
			if err := w.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
		test(w)
		w.end()
	})
}

// After implements Feed.
func (w *world) After(ctx context.Context, _ uint64) ([]*swarm.Event, error) {
	select {
	case events := <-w.feed:
		if events == nil {
			return nil, errors.New("the log cannot be read")
		}
		return events, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// submission begins a command as a request with this trace does.
func (w *world) submission(from swarm.Trace) *swarm.Submission {
	s := &swarm.Submission{
		Submitter: "ci/nightly", Command: swarm.Command{Type: command.SetPlayers, Value: 7, Note: "for people"},
		Deadline: 2 * time.Second,
	}
	w.Begin(swarm.WithRequest(w.t.Context(), &swarm.Request{ID: "r-1", Trace: from}), s)
	return s
}

// outcome adds the outcome of a command to the log.
func (w *world) outcome(seq uint64, targets []string, verdicts ...swarm.Verdict) {
	w.append(&swarm.Issued{Targets: targets}, &swarm.Closed{Seq: seq, ClosedAt: time.Now(), Verdicts: verdicts})
}

func (w *world) append(issued *swarm.Issued, record swarm.Record) {
	w.last++
	w.feed <- []*swarm.Event{{Stored: swarm.Stored{Position: w.last, Record: record}, Issued: issued}}
	w.CatchUp(w.t.Context(), w.last)
}

// spans ends the world and returns its spans.
func (w *world) spans(n int) tracetest.SpanStubs {
	w.t.Helper()
	w.end()
	if len(w.out.spans) != n {
		w.t.Fatalf("%d spans, want %d: %+v", len(w.out.spans), n, w.out.spans)
	}
	return w.out.spans
}

func values(list []attribute.KeyValue) map[string]any {
	out := map[string]any{}
	for _, a := range list {
		out[strings.TrimPrefix(string(a.Key), "swarmcall.")] = a.Value.AsInterface()
	}
	return out
}

var acked = swarm.Verdict{Kind: swarm.Acked, Latency: time.Millisecond}

func TestASpanOfACommand(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.submission(swarm.Trace{Parent: parent, State: "vendor=1"})
		swarmtest.Advance(100 * time.Millisecond)
		s.Follower.Issued(8)
		swarmtest.Advance(400 * time.Millisecond)
		w.outcome(8, []string{"a", "b", "c", "d"}, acked,
			swarm.Verdict{Kind: swarm.Rejected, Code: "too_many", Detail: "no", Latency: 50 * time.Millisecond},
			swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDeadline}, swarm.Verdict{Kind: swarm.Superseded})
		span := w.spans(1)[0]
		if span.Name != "command set_players" || span.SpanKind != oteltrace.SpanKindServer {
			t.Errorf("is %s, %v", span.Name, span.SpanKind)
		}
		if got := span.Parent; got.TraceID().String() != traceID || got.SpanID().String() != spanID || !got.IsRemote() {
			t.Errorf("the parent is %+v", got)
		}
		if got := span.SpanContext.TraceState().String(); got != "vendor=1" {
			t.Errorf("the state is %q", got)
		}
		want := fmt.Sprintf("00-%s-%s-01", traceID, span.SpanContext.SpanID())
		if s.Traceparent != want {
			t.Errorf("drivers get %s, want %s", s.Traceparent, want)
		}
		if took := span.EndTime.Sub(span.StartTime); took != 500*time.Millisecond {
			t.Errorf("took %v", took)
		}
		if diff := cmp.Diff(map[string]any{
			"command.type": "set_players", "command.value": int64(7), "command.total": false, "submitter": "ci/nightly",
			"deadline_ms": int64(2000), "request_id": "r-1", "seq": int64(8), "status": "partial", "targets": int64(4),
			"acked": int64(1), "rejected": int64(1), "missing": int64(1), "superseded": int64(1), "left_out": int64(0),
			"error.type": "partial",
		}, values(span.Attributes)); diff != "" {
			t.Errorf("attributes (-want +got):\n%s", diff)
		}
		if span.Status != (sdktrace.Status{Code: codes.Error,
			Description: "2 of 4 drivers have not applied the command"}) {
			t.Errorf("status %+v", span.Status)
		}
		var events []string
		for _, e := range span.Events {
			events = append(events, fmt.Sprint(e.Name, " ", e.Time.Sub(span.StartTime), " ", values(e.Attributes)))
		}
		if diff := cmp.Diff([]string{
			"issued 100ms map[]", "rejected 150ms map[code:too_many driver_id:b]",
			"missing 500ms map[driver_id:c reason:deadline]",
		}, events); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

func TestAnOutcomeWithoutErrors(t *testing.T) {
	for name, verdicts := range map[string][]swarm.Verdict{
		"complete":   {acked, acked},
		"superseded": {acked, {Kind: swarm.Superseded}},
		"failed":     {}, // a Stop that was logged without drivers
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				w.submission(swarm.Trace{}).Follower.Issued(2)
				w.outcome(2, []string{"a", "b"}[:len(verdicts)], verdicts...)
				span := w.spans(1)[0]
				got := values(span.Attributes)
				if span.Status.Code != codes.Unset || got["status"] != name || got["error.type"] != nil {
					t.Errorf("status %+v, attributes %v", span.Status, got)
				}
			})
		})
	}
}

// TestManyMissing: the events of one span are bounded, and the SDK drops none.
func TestManyMissing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.submission(swarm.Trace{}).Follower.Issued(2)
		var targets []string
		var verdicts []swarm.Verdict
		for i := range 1000 {
			v := swarm.Verdict{Kind: swarm.Missing, Reason: swarm.ReasonDisconnected}
			if i%2 == 1 {
				v = swarm.Verdict{Kind: swarm.Rejected, Code: "busy"}
			}
			targets, verdicts = append(targets, fmt.Sprintf("d-%03d", i)), append(verdicts, v)
		}
		w.outcome(2, targets, verdicts...)
		span := w.spans(1)[0]
		if n := len(span.Events); n != 1+2*maxEvents || span.DroppedEvents != 0 {
			t.Errorf("%d events, %d dropped", n, span.DroppedEvents)
		}
		got := values(span.Attributes)
		if got["unlisted"] != int64(1000-2*maxEvents) || got["missing"] != int64(500) || got["rejected"] != int64(500) {
			t.Errorf("attributes %v", got)
		}
	})
}

func TestARefusedCommand(t *testing.T) {
	token := "swc_" + strings.Repeat("k", 43)
	for _, c := range []struct {
		name       string
		err        error
		kind, text string
	}{
		{"by a rule", swarm.Errorf(swarm.CodeNoActiveDrivers, "no active driver"), "no_active_drivers",
			"no active driver"},
		{"for its fields", &swarm.Error{Code: swarm.CodeInvalidCommand, Detail: "refused",
			Fields: []swarm.FieldError{{Pointer: "/submitter", Detail: "is bad"}}}, "invalid_command",
			"refused; /submitter is bad"},
		{"because of the log", &swarm.Error{Code: swarm.CodeLogUnavailable, Detail: "no room",
			Cause: errors.New("/data is full")}, "log_unavailable", "no room"},
		{"unexpectedly", errors.New("/data/log: broken"), "internal", "see the log of the server"},
		{"its client has left", fmt.Errorf("wait: %w", context.Canceled), "disconnected",
			"the client disconnected before the command was issued; nothing was sent"},
		{"a token in the text", swarm.Errorf(swarm.CodeForbidden, "it is "+token), "forbidden", "it is swc_***"},
		{"bytes that are not UTF-8", swarm.Errorf(swarm.CodeForbidden, "\xff"), "forbidden", "\uFFFD"},
		{"a long text", swarm.Errorf(swarm.CodeForbidden, strings.Repeat("é", maxText)), "forbidden",
			strings.Repeat("é", maxText/2)},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				s := w.submission(swarm.Trace{Parent: parent})
				_ = s.Refuse(c.err)
				_ = s.Refuse(errors.New("again"))
				s.Follower.Issued(2) // too late: the first call counts
				span := w.spans(1)[0]
				want := sdktrace.Status{Code: codes.Error, Description: c.text}
				if got := values(span.Attributes); span.Status != want || got["error.type"] != c.kind {
					t.Errorf("status %+v, attributes %v", span.Status, got)
				}
			})
		})
	}
}

// TestAReplay: a repeated request is no second command, and its span says so.
func TestAReplay(t *testing.T) {
	inWorld(t, func(w *world) {
		first := w.submission(swarm.Trace{Parent: parent})
		first.Follower.Issued(2)
		w.submission(swarm.Trace{}).Follower.Replayed(2) // while it is open
		w.outcome(2, []string{"a"}, acked)
		w.submission(swarm.Trace{}).Follower.Replayed(2) // when it is closed
		spans := w.spans(3)
		original := spans[1]
		for at, links := range map[int]int{0: 1, 2: 0} {
			span, got := spans[at], values(spans[at].Attributes)
			if span.Name != "replay" || got["replayed"] != true || got["seq"] != int64(2) || got["acked"] != nil ||
				span.Status.Code != codes.Unset || len(span.Links) != links {
				t.Errorf("span %d is %s: %v, %+v, %d links", at, span.Name, got, span.Status, len(span.Links))
			}
			for _, l := range span.Links {
				if l.SpanContext.SpanID() != original.SpanContext.SpanID() {
					t.Errorf("is linked to %+v", l)
				}
			}
		}
		if original.Name != "command set_players" || values(original.Attributes)["replayed"] != nil {
			t.Errorf("the command is %s: %v", original.Name, values(original.Attributes))
		}
	})
}

// TestWithoutAnOutcome: spans of open commands end when the Tracer is closed, and so do those that come later.
func TestWithoutAnOutcome(t *testing.T) {
	inWorld(t, func(w *world) {
		w.submission(swarm.Trace{}).Follower.Issued(2)
		late := w.submission(swarm.Trace{})
		span := w.spans(1)[0]
		if span.Status.Code != codes.Error || values(span.Attributes)["error.type"] != "unknown" {
			t.Errorf("status %+v, attributes %v", span.Status, values(span.Attributes))
		}
		late.Follower.Issued(3)
		if len(w.open) > 0 {
			t.Errorf("%d spans are kept after Close", len(w.open))
		}
	})
}

// TestNotSampled: the client decides; drivers learn that nobody records the trace.
func TestNotSampled(t *testing.T) {
	inWorld(t, func(w *world) {
		s := w.submission(swarm.Trace{Parent: "00-" + traceID + "-" + spanID + "-00"})
		if s.Follower != nil || !strings.HasPrefix(s.Traceparent, "00-"+traceID+"-") ||
			!strings.HasSuffix(s.Traceparent, "-00") {
			t.Errorf("follower %v, traceparent %s", s.Follower, s.Traceparent)
		}
		w.spans(0)
	})
}

// TestTheSampler: the SDK reads it from the environment.
func TestTheSampler(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "parentbased_always_off")
	inWorld(t, func(w *world) {
		if s := w.submission(swarm.Trace{}); s.Follower != nil || !strings.HasSuffix(s.Traceparent, "-00") {
			t.Errorf("follower %v, traceparent %s", s.Follower, s.Traceparent)
		}
		w.submission(swarm.Trace{Parent: parent}).Follower.Replayed(2)
		w.spans(1)
	})
}

// TestACommandOfTheServer has no request, so it begins a trace.
func TestACommandOfTheServer(t *testing.T) {
	inWorld(t, func(w *world) {
		s := &swarm.Submission{Command: swarm.Command{Type: command.Stop}, Cause: "split again"}
		w.Begin(w.t.Context(), s)
		s.Follower.Issued(2)
		w.outcome(2, []string{"a"}, acked)
		span := w.spans(1)[0]
		got := values(span.Attributes)
		_, value := got["command.value"]
		_, request := got["request_id"]
		if span.Parent.IsValid() || span.SpanKind != oteltrace.SpanKindInternal || got["cause"] != "split again" ||
			value || request {
			t.Errorf("parent %+v, kind %v, attributes %v", span.Parent, span.SpanKind, got)
		}
	})
}

// TestOff: without a collector the server passes on what the client sent.
func TestOff(t *testing.T) {
	var off *Tracer
	for _, from := range []swarm.Trace{{}, {Parent: parent, State: "a=1"}} {
		s := &swarm.Submission{}
		off.Begin(swarm.WithRequest(t.Context(), &swarm.Request{Trace: from}), s)
		if s.Traceparent != from.Parent || s.Follower != nil {
			t.Errorf("for %+v: %q, follower %v", from, s.Traceparent, s.Follower)
		}
	}
	off.Follow(t.Context(), nil, 1)
	off.CatchUp(t.Context(), 1)
	if err := off.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAFeedThatFails is read again.
func TestAFeedThatFails(t *testing.T) {
	inWorld(t, func(w *world) {
		w.submission(swarm.Trace{}).Follower.Issued(2)
		began := time.Now()
		w.feed <- nil
		w.outcome(2, nil, acked) // the record of the command was lost: there are no ids
		if took := time.Since(began); took != retryFeed {
			t.Errorf("was read again after %v", took)
		}
		w.append(nil, &swarm.Closed{Seq: 99}) // a command without a span
		w.append(nil, &swarm.Reset{})
		if got := values(w.spans(1)[0].Attributes); got["targets"] != int64(1) {
			t.Errorf("attributes %v", got)
		}
	})
}

func TestCatchUpEndsWithItsContext(t *testing.T) {
	inWorld(t, func(w *world) {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		w.CatchUp(ctx, 7)
		if took := time.Since(began); took != time.Second {
			t.Errorf("waited %v", took)
		}
	})
}

// stuck is a collector that does not answer until it is shut down.
type stuck struct {
	once sync.Once
	stop chan struct{}
}

func (s *stuck) ExportSpans(ctx context.Context, _ []sdktrace.ReadOnlySpan) error {
	select {
	case <-s.stop:
	case <-ctx.Done():
	}
	return errors.New("no answer")
}

func (s *stuck) Shutdown(context.Context) error {
	s.once.Do(func() { close(s.stop) })
	return nil
}

// TestAStuckCollectorDelaysNobody: commands go on at once, the spans that wait are bounded, and Close gives up in time.
func TestAStuckCollectorDelaysNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTracer(&stuck{stop: make(chan struct{})}, resource.Empty())
		began := time.Now()
		for seq := range uint64(10_000) {
			s := &swarm.Submission{Command: swarm.Command{Type: command.Stop}}
			tr.Begin(t.Context(), s)
			s.Follower.Issued(seq)
			tr.ended(&swarm.Issued{Targets: []string{"a"}}, &swarm.Closed{Seq: seq, Verdicts: []swarm.Verdict{acked}})
		}
		if took := time.Since(began); took > 0 || len(tr.open) > 0 {
			t.Errorf("took %v; %d spans are open", took, len(tr.open))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := tr.Close(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("Close returned %v after %v", err, time.Since(began))
		}
	})
}

func TestComplaints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		c := &complaints{logger: slog.New(slog.NewTextHandler(&log, nil))}
		for range 600 { // ten minutes
			c.Handle(errors.New("connection refused"))
			swarmtest.Advance(time.Second)
		}
		if n := strings.Count(log.String(), "\n"); n != 10 || !strings.Contains(log.String(), "errors_before=59") ||
			!strings.Contains(log.String(), "connection refused") {
			t.Errorf("%d lines:\n%s", n, log.String())
		}
	})
}
