package app

import (
	"context"
	"time"
)

// leaseCheckEvery is how often the server asks itself whether it may go on renewing leases.
const leaseCheckEvery = time.Second

// watchLeases stops renewing leases while the log has taken nothing for a lease, until ctx ends: a server that can
// issue no Stop must not keep the load up.
func (s *server) watchLeases(ctx context.Context) {
	tick := time.NewTicker(leaseCheckEvery)
	defer tick.Stop()
	for {
		s.registry.SuspendLeases(s.dispatcher.LogDown() >= s.cfg.LeaseTTL)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
