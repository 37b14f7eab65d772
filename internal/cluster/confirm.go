package cluster

import (
	"context"
	"sync"
	"time"
)

// Confirm waits until NATS has stored a renewal of this node's lease that was sent after the call. That takes a majority
// of the servers, so the server that this node is connected to is not cut off with an outdated view of the log. Calls
// at the same time share a renewal.
func (c *Cluster) Confirm(ctx context.Context) error {
	began := time.Now()
	for {
		sent, next := c.leases.proofs.newest()
		if !sent.Before(began) {
			return nil
		}
		select {
		case c.leases.asked <- struct{}{}:
		default:
		}
		select {
		case <-next:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// proofs remembers when the newest renewal that has succeeded was sent.
type proofs struct {
	mu   sync.Mutex
	sent time.Time
	next chan struct{} // closed at the next one
}

func newProofs() *proofs { return &proofs{next: make(chan struct{})} }

func (p *proofs) add(sent time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sent = sent
	close(p.next)
	p.next = make(chan struct{})
}

func (p *proofs) newest() (sent time.Time, next <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent, p.next
}
