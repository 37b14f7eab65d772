package cluster

import (
	"context"
	"sync"
	"testing"
	"time"
)

// TestConfirm: a proof is a renewal from after the call; without NATS there is none.
func TestConfirm(t *testing.T) {
	n := startNATS(t)
	a := run(t, n.connect(t), "a", "1")
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			began := time.Now()
			if err := a.Confirm(t.Context()); err != nil {
				t.Error(err)
			}
			if sent, _ := a.leases.proofs.newest(); sent.Before(began) {
				t.Error("confirmed by an earlier renewal")
			}
		})
	}
	callers.Wait()
	n.stop()
	ctx, cancel := context.WithTimeout(t.Context(), 2*quick.renew)
	defer cancel()
	if a.Confirm(ctx) == nil {
		t.Error("confirmed without NATS")
	}
	n.start()
	if err := a.Confirm(t.Context()); err != nil {
		t.Error(err)
	}
}
