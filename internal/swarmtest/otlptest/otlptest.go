// Package otlptest is a collector for tests: it receives OTLP over HTTP, and decodes it by the protocol's own types.
package otlptest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	coltracepb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// hang is a timeout that only a hang reaches.
const hang = time.Minute

// Collector receives spans on a port of this machine.
type Collector struct {
	URL string // without a path

	t      testing.TB
	server *httptest.Server

	mu     sync.Mutex
	spans  []Span
	raw    strings.Builder // all bodies
	posts  int
	status int           // of the answers, if not 0
	silent chan struct{} // if not nil, answers wait until it is closed
	more   chan struct{} // closed and replaced with each request
}

// Span is a span with the attributes of its resource.
type Span struct {
	*tracepb.Span

	Resource map[string]any
}

// Traceparent is the value of the header that names the span as a parent.
func (s Span) Traceparent() string { return fmt.Sprintf("00-%x-%x-01", s.TraceId, s.SpanId) }

// Has returns the attributes of the span.
func (s Span) Has() map[string]any { return Attributes(s.GetAttributes()) }

// New starts a collector. It ends with the test.
func New(t testing.TB) *Collector {
	c := &Collector{t: t, more: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/traces", c.receive)
	c.server = httptest.NewServer(mux)
	c.URL = c.server.URL
	t.Cleanup(func() {
		c.Speak()
		c.server.Close()
	})
	return c
}

// Silence makes the collector receive without an answer, until Speak.
func (c *Collector) Silence() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.silent = make(chan struct{})
}

// Speak ends Silence.
func (c *Collector) Speak() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.silent != nil {
		close(c.silent)
		c.silent = nil
	}
}

// Refuse makes the collector answer with a status.
func (c *Collector) Refuse(status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.status = status
}

func (c *Collector) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent coltracepb.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &sent)
	}
	if err != nil || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.t.Errorf("the collector received %s: %v", r.Header.Get("Content-Type"), err)
	}
	c.mu.Lock()
	status, silent := c.status, c.silent
	c.posts++
	if status == 0 && silent == nil {
		c.keep(&sent)
		c.raw.Write(body)
	}
	close(c.more)
	c.more = make(chan struct{})
	c.mu.Unlock()
	if silent != nil {
		select {
		case <-silent:
		case <-r.Context().Done():
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
	if status != 0 {
		w.WriteHeader(status)
		return
	}
	answer, _ := proto.Marshal(&coltracepb.ExportTraceServiceResponse{})
	_, _ = w.Write(answer)
}

func (c *Collector) keep(sent *coltracepb.ExportTraceServiceRequest) {
	for _, of := range sent.GetResourceSpans() {
		resource := Attributes(of.GetResource().GetAttributes())
		for _, scope := range of.GetScopeSpans() {
			for _, s := range scope.GetSpans() {
				c.spans = append(c.spans, Span{s, resource})
			}
		}
	}
}

// Spans returns the spans that were received so far.
func (c *Collector) Spans() []Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Span(nil), c.spans...)
}

// Raw returns the bodies of all requests that were accepted.
func (c *Collector) Raw() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.raw.String()
}

// Posts waits until at least n requests have arrived, accepted or not.
func (c *Collector) Posts(n int) {
	c.t.Helper()
	c.await(func() bool { return c.posts >= n })
}

// Named waits until a span of this name has arrived.
func (c *Collector) Named(name string) {
	c.t.Helper()
	c.await(func() bool { return slices.ContainsFunc(c.spans, func(s Span) bool { return s.GetName() == name }) })
}

func (c *Collector) await(holds func() bool) {
	c.t.Helper()
	patience := time.NewTimer(hang)
	defer patience.Stop()
	for {
		c.mu.Lock()
		done, more := holds(), c.more
		c.mu.Unlock()
		if done {
			return
		}
		select {
		case <-more:
		case <-patience.C:
			c.t.Error("the collector has waited for too long")
			return
		}
	}
}

// Attributes converts attributes to plain values.
func Attributes(list []*commonpb.KeyValue) map[string]any {
	out := map[string]any{}
	for _, a := range list {
		switch v := a.GetValue().GetValue().(type) {
		case *commonpb.AnyValue_StringValue:
			out[a.GetKey()] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			out[a.GetKey()] = v.IntValue
		case *commonpb.AnyValue_BoolValue:
			out[a.GetKey()] = v.BoolValue
		default:
			out[a.GetKey()] = fmt.Sprint(v)
		}
	}
	return out
}
