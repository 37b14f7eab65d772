package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// fake implements the dispatcher, the log and the known drivers: three drivers that ack each command at once, in
// memory.
type fake struct {
	state   swarm.State
	mu      sync.Mutex
	entries []swarm.Entry // oldest first
	drivers []swarm.Driver
	refuse  error         // what Submit answers, if not nil
	broken  error         // what the log answers, if not nil
	hold    chan struct{} // if not nil, outcomes wait until it is closed
	boom    any           // what Submit panics with, if not nil

	progress swarm.Progress // what Progress answers
	reach    swarm.Reach    // what Reach answers
	preview  func(swarm.Submission) *swarm.Issued
}

func newFake() *fake {
	f := &fake{}
	for i := range 3 {
		f.drivers = append(f.drivers, swarm.Driver{
			ID: fmt.Sprintf("d-%d", i+1), State: swarm.DriverStates()[i], Labels: map[string]string{
				"region": "eu", "n": fmt.Sprint(i),
			},
		})
	}
	return f
}

func (f *fake) Submit(_ context.Context, s swarm.Submission) (Call, bool, error) {
	if f.boom != nil {
		panic(f.boom)
	}
	if err := s.Validate(); err != nil {
		return nil, false, err
	}
	if f.refuse != nil {
		return nil, false, f.refuse
	}
	now := time.Now().UTC()
	issued := &swarm.Issued{
		Submitter: s.Submitter, Command: s.Command, Target: s.Target, Targets: []string{"d-1", "d-2", "d-3"},
		Deadline: s.Deadline, SubmittedAt: now,
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	e := swarm.Entry{Seq: uint64(2*len(f.entries) + 2), Issued: issued} // seqs are not dense
	f.entries = append(f.entries, e)
	closed := &swarm.Closed{Seq: e.Seq, ClosedAt: now, Verdicts: make([]swarm.Verdict, len(issued.Targets))}
	for i := range closed.Verdicts {
		closed.Verdicts[i] = swarm.Verdict{Kind: swarm.Acked, Latency: time.Millisecond}
	}
	if f.hold == nil {
		f.entries[len(f.entries)-1].Closed = closed
	}
	return &fakeCall{f, len(f.entries) - 1, f.hold, closed}, false, nil
}

func (f *fake) Open(seq uint64) (Call, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, e := range f.entries {
		if e.Seq == seq && e.Closed == nil {
			return &fakeCall{f, i, f.hold,
				&swarm.Closed{Seq: seq, Verdicts: make([]swarm.Verdict, len(e.Issued.Targets))}}, true
		}
	}
	return nil, false
}

type fakeCall struct {
	f      *fake
	place  int
	hold   chan struct{}
	closed *swarm.Closed
}

func (c *fakeCall) Entry() swarm.Entry {
	c.f.mu.Lock()
	defer c.f.mu.Unlock()
	return c.f.entries[c.place]
}

func (c *fakeCall) Wait(ctx context.Context) (swarm.Entry, error) {
	if c.hold != nil {
		select {
		case <-c.hold:
			c.f.mu.Lock()
			c.f.entries[c.place].Closed = c.closed
			c.f.mu.Unlock()
		case <-ctx.Done():
			return c.Entry(), ctx.Err()
		}
	}
	return c.Entry(), nil
}

func (f *fake) Entry(_ context.Context, seq uint64) (swarm.Entry, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken != nil {
		return swarm.Entry{}, f.broken
	}
	for _, e := range f.entries {
		if e.Seq == seq {
			return e, nil
		}
	}
	return swarm.Entry{}, swarm.Errorf(swarm.CodeNotFound, "no such entry")
}

func (f *fake) Page(_ context.Context, q swarm.Query) (page swarm.Page, err error) {
	f.mu.Lock()
	all := slices.Clone(f.entries)
	f.mu.Unlock()
	if f.broken != nil {
		return page, f.broken
	}
	if !q.Ascending {
		slices.Reverse(all)
	}
	for _, e := range all {
		if e.Seq <= q.After || (q.Before > 0 && e.Seq >= q.Before) ||
			(q.Submitter != "" && e.Issued.Submitter != q.Submitter) ||
			(q.Type != "" && e.Issued.Command.Type != q.Type) || (q.Status != "" && e.Status() != q.Status) {
			continue
		}
		if len(page.Entries) == q.Limit {
			page.More = true
			break
		}
		page.Entries = append(page.Entries, e)
	}
	return page, nil
}

// Roster pages through the drivers as the registry does.
func (f *fake) Roster(q swarm.RosterQuery) (out swarm.Roster) {
	for _, d := range f.drivers {
		switch d.State {
		case swarm.Active:
			out.Active++
		case swarm.Stale:
			out.Stale++
		case swarm.Disconnected:
			out.Disconnected++
		}
		if q.None || d.ID <= q.After || q.State != "" && q.State != d.State ||
			!(swarm.Target{Labels: q.Labels}).Matches(d.ID, d.Labels) {
			continue
		}
		if out.More = out.More || q.Limit > 0 && len(out.Drivers) == q.Limit; !out.More {
			out.Drivers = append(out.Drivers, d)
		}
	}
	return out
}

// Events and Absent act like those of a log without records.
func (f *fake) Events(context.Context, swarm.EventQuery) ([]*swarm.Event, error) {
	return nil, f.broken
}

func (f *fake) Absent(uint64, uint64) []swarm.Span { return nil }

func (f *fake) Await(context.Context, uint64) error { return nil }

func (f *fake) Driver(id string) (swarm.Driver, bool) {
	for _, d := range f.drivers {
		if d.ID == id {
			return d, true
		}
	}
	return swarm.Driver{}, false
}

func (f *fake) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.entries)
}

// socket replaces the driver socket, and answers like it to a request that is not a WebSocket.
func socket(refuse func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse(w, r, &swarm.Error{Code: swarm.CodeUnsupportedSubprotocol, Detail: "this is a socket",
			Attrs: map[string]any{"supported": []string{"v1"}}})
	})
}

// pages replaces the dashboard.
func pages(func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<!doctype html>"))
	})
}

// Last and After act like a closed feed.
func (f *fake) Last() uint64 { return 0 }

func (f *fake) After(context.Context, uint64) ([]*swarm.Event, error) {
	return nil, errors.New("the feed is closed")
}

// State pages through the drivers as the registry does.
func (f *fake) State(q swarm.StateQuery) swarm.State {
	out := f.state
	out.Drivers = nil
	for _, d := range f.state.Drivers {
		if d.DriverID <= q.After || q.Kind != "" && q.Kind != d.Kind() {
			continue
		}
		if out.More = out.More || q.Limit > 0 && len(out.Drivers) == q.Limit; !out.More {
			out.Drivers = append(out.Drivers, d)
		}
	}
	return out
}

func (f *fake) Stopped(e swarm.Entry) swarm.StopProof {
	targets := e.Issued.Targets
	return swarm.StopProof{Seq: e.Seq, Targets: len(targets), Stopped: 1, Pending: targets[1:]}
}

func (f *fake) Progress(swarm.Entry) swarm.Progress { return f.progress }

func (f *fake) Reach(swarm.Target) swarm.Reach { return f.reach }

func (f *fake) Preview(_ context.Context, s swarm.Submission) (*swarm.Issued, error) {
	if f.refuse != nil {
		return nil, f.refuse
	}
	return f.preview(s), nil
}
