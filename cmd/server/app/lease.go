package app

import (
	"context"
	"time"
)

// leaseCheckEvery is the interval at which the server checks whether it may renew leases.
const leaseCheckEvery = time.Second

// watchLeases stops renewing leases after the log has accepted nothing for the time of a lease, until ctx ends: a
// server that cannot issue a Stop must not keep the load running.
func (s *server) watchLeases(ctx context.Context) {
	tick := time.NewTicker(leaseCheckEvery)
	defer tick.Stop()
	for {
		s.registry.SuspendLeases(max(s.dispatcher.LogDown(), s.nodes.leaseless()) >= s.cfg.LeaseTTL)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
