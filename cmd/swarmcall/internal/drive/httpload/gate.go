package httpload

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"
)

var errHalted = errors.New("the load was stopped")

// gate is the RoundTripper of every request. halt closes it and cuts off the requests in flight; a hit that vegeta is
// about to send then finds it closed. So no load runs after a Stop.
type gate struct {
	next http.RoundTripper

	mu       sync.Mutex
	open     bool
	load     context.Context // context of the requests in flight
	cut      context.CancelFunc
	haltedAt time.Time
	flying   sync.WaitGroup // requests within next; Add only while open, under mu
	inside   int64          // number of these requests
}

func newGate(next http.RoundTripper) *gate {
	load, cut := context.WithCancel(context.Background())
	return &gate{next: next, load: load, cut: cut}
}

// admit opens the gate.
func (g *gate) admit() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open {
		g.open = true
		g.load, g.cut = context.WithCancel(context.Background())
	}
}

// halt closes the gate, cuts off the requests in flight, and returns when they have ended.
func (g *gate) halt() {
	g.mu.Lock()
	g.open, g.haltedAt = false, time.Now()
	g.cut()
	g.mu.Unlock()
	g.flying.Wait()
}

// RoundTrip sends r if the gate is open.
func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	load, ok := g.enter()
	if !ok {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, errHalted
	}
	defer g.leave()
	ctx, cancel := context.WithCancel(r.Context())
	keep := context.AfterFunc(load, cancel)
	release := func() { keep(); cancel() }
	resp, err := g.next.RoundTrip(r.WithContext(ctx))
	if err != nil {
		release()
		return nil, err
	}
	resp.Body = &body{resp.Body, release}
	return resp, nil
}

func (g *gate) enter() (load context.Context, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open {
		return nil, false
	}
	g.flying.Add(1)
	g.inside++
	return g.load, true
}

func (g *gate) leave() {
	g.mu.Lock()
	g.inside--
	g.mu.Unlock()
	g.flying.Done()
}

// inFlight returns how many requests wait for an answer.
func (g *gate) inFlight() int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.inside
}

// cutOff reports whether a failed request that began at this time may have failed because of a halt: then the failure
// says nothing about the target.
func (g *gate) cutOff(began time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.open || !began.After(g.haltedAt)
}

// body is the body of a response; a halt can cut off its request until it is closed.
type body struct {
	io.ReadCloser
	release func()
}

func (b *body) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
