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

// gate is the way of every request. When it is halted nothing goes through, what has gone is cut off, and a hit that
// vegeta has on its way finds it shut: that makes a Stop one.
type gate struct {
	next http.RoundTripper

	mu       sync.Mutex
	open     bool
	load     context.Context // of the requests in flight
	cut      context.CancelFunc
	haltedAt time.Time
	flying   sync.WaitGroup // requests within next; Add only while open, under mu
	inside   int64          // how many they are
}

func newGate(next http.RoundTripper) *gate {
	load, cut := context.WithCancel(context.Background())
	return &gate{next: next, load: load, cut: cut}
}

// admit lets requests through.
func (g *gate) admit() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.open {
		g.open = true
		g.load, g.cut = context.WithCancel(context.Background())
	}
}

// halt lets no request through any more, and returns when those that were on their way have been cut off.
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

// cutOff reports whether a request that began at that time and failed may have failed by a halt: it says nothing of the
// target.
func (g *gate) cutOff(began time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.open || !began.After(g.haltedAt)
}

// body is a response's, whose request may be cut off until it is closed.
type body struct {
	io.ReadCloser
	release func()
}

func (b *body) Close() error {
	defer b.release()
	return b.ReadCloser.Close()
}
