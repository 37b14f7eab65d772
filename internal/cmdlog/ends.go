package cmdlog

import (
	"context"
	"sync"
)

// ends shares requests for the state of a stream between calls that wait for one. A call only gets the answer to a
// request that was sent after it began: an older one may not know what the call is about.
type ends struct {
	ask     func() (state, error) // bounded
	running *sync.WaitGroup

	mu      sync.Mutex
	asking  bool
	waiting *answer // of the request that is sent after the present one; nil if nobody waits for it
}

type answer struct {
	ready chan struct{}
	state state
	err   error
}

func (e *ends) get(ctx context.Context) (state, error) {
	a := e.join()
	select {
	case <-a.ready:
		return a.state, a.err
	case <-ctx.Done():
		return state{}, context.Cause(ctx)
	}
}

func (e *ends) join() *answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.waiting == nil {
		e.waiting = &answer{ready: make(chan struct{})}
	}
	if !e.asking {
		e.asking = true
		e.running.Go(e.run)
	}
	return e.waiting
}

// run sends requests until nobody waits for one.
func (e *ends) run() {
	for a := e.take(); a != nil; a = e.take() {
		a.state, a.err = e.ask()
		close(a.ready)
	}
}

func (e *ends) take() *answer {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.waiting
	e.waiting, e.asking = nil, e.waiting != nil
	return a
}
