package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// sparse is a log of a million records with only a few of one submitter. Reading any other record fails the test.
type sparse struct {
	*fake
	events []*swarm.Event
	absent []swarm.Span
	asked  int
	onRead func() // before the first record is read; nil for nothing
}

const sparseLast = 1_000_000

func newSparse(n int) *sparse {
	s := &sparse{fake: newFake()}
	for i := range n {
		r := swarmtest.Issued("ci", "a")
		pos := uint64(i+1) * 1000
		s.events = append(s.events, &swarm.Event{Stored: swarm.Stored{Position: pos, Record: r}, Issued: r})
	}
	return s
}

func (s *sparse) Last() uint64 { return sparseLast }

func (s *sparse) After(_ context.Context, position uint64) ([]*swarm.Event, error) {
	if position < sparseLast {
		return nil, errors.New("records of others are read")
	}
	return nil, errors.New("the end")
}

func (s *sparse) Events(_ context.Context, q swarm.EventQuery) (out []*swarm.Event, err error) {
	if s.asked++; s.asked == 1 && s.onRead != nil {
		s.onRead()
	}
	for _, e := range s.events {
		if e.Position > q.After && e.Position <= q.UpTo && len(out) < q.Limit {
			out = append(out, e)
		}
	}
	return out, nil
}

func (s *sparse) Absent(after, upTo uint64) (out []swarm.Span) {
	for _, a := range s.absent {
		if a.From > after && a.To <= upTo {
			out = append(out, a)
		}
	}
	return out
}

func (s *sparse) world(t *testing.T) *world {
	return newWorld(t, func(c *Config) { c.Log, c.Feed = s, s })
}

// TestAnExportOfASubmitterReadsNothingElse: it makes one read per batch of the submitter's own records.
func TestAnExportOfASubmitterReadsNothingElse(t *testing.T) {
	for _, n := range []int{0, 20, eventsAtOnce, eventsAtOnce + 1} {
		s := newSparse(n)
		a := s.world(t).do(t, "GET", "/commands/export?submitter=ci", "")
		if lines := strings.Count(a.body, "\n"); a.StatusCode != http.StatusOK || lines != n ||
			s.asked > n/eventsAtOnce+2 {
			t.Errorf("%d lines of %d after %d reads, %d", lines, n, s.asked, a.StatusCode)
		}
	}
	s := newSparse(20)
	a := s.world(t).do(t, "GET", "/commands/export?submitter=ci&after=3000&before=9000", "")
	if lines := strings.Count(a.body, "\n"); lines != 5 {
		t.Errorf("%d lines, want those at 4000 to 8000:\n%s", lines, a.body)
	}
}

// TestAnExportBeginsAtOnce: the client has the headers before anything is read.
func TestAnExportBeginsAtOnce(t *testing.T) {
	s := newSparse(1)
	rec := httptest.NewRecorder()
	s.onRead = func() {
		if !rec.Flushed {
			t.Error("the log is read before the headers are out")
		}
	}
	r := httptest.NewRequest(http.MethodGet, "/commands/export?submitter=ci", nil)
	r.Host = "127.0.0.1:8080"
	s.world(t).handler.ServeHTTP(rec, r)
	if s.asked == 0 {
		t.Error("the log is not read")
	}
}

// TestAStreamOfASubmitterCatchesUp: it reads only the submitter's own records, reports the lost positions between them,
// and ends with a ping that moves the cursor to the end.
func TestAStreamOfASubmitterCatchesUp(t *testing.T) {
	s := newSparse(300)
	s.absent = []swarm.Span{{From: 1500, To: 1600}, {From: 400_000, To: 400_000}}
	a := s.world(t).do(t, "GET", "/commands/stream?submitter=ci&after=1", "")
	if n := strings.Count(a.body, "event: issued"); n != 300 || s.asked != 2 {
		t.Errorf("%d events after %d reads", n, s.asked)
	}
	for _, want := range []string{
		"id: 1600\nevent: gap\ndata: {\"after\":1499,\"position\":1600}\n\nid: 2000\nevent: issued",
		"id: 400000\nevent: gap\n", fmt.Sprintf(": ping\nid: %d\n\n", sparseLast),
	} {
		if !strings.Contains(a.body, want) {
			t.Errorf("%q is not in the stream", want)
		}
	}
	if !strings.HasPrefix(a.body, "retry: ") || !strings.HasSuffix(a.body, fmt.Sprintf("id: %d\n\n", sparseLast)) {
		t.Errorf("it begins with %q and ends with %q", a.body[:20], a.body[len(a.body)-40:])
	}
}
