package cmdlog

import (
	"context"
	"sync"
)

// progress is a position that only grows, and that callers can wait for.
type progress struct {
	mu    sync.Mutex
	at    uint64
	moved chan struct{} // closed at the next change; nil while nobody waits
}

func (p *progress) now() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

func (p *progress) reach(pos uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = pos
	if p.moved != nil {
		close(p.moved)
		p.moved = nil
	}
}

// wait returns when the position is at least pos. The error is the cause of the context that ended first.
func (p *progress) wait(ctx, alive context.Context, pos uint64) error {
	for {
		p.mu.Lock()
		if p.at >= pos {
			p.mu.Unlock()
			return nil
		}
		if p.moved == nil {
			p.moved = make(chan struct{})
		}
		moved := p.moved
		p.mu.Unlock()
		select {
		case <-moved:
		case <-alive.Done():
			return context.Cause(alive)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
