package app

import (
	"context"
	"time"
)

// touchEvery is the interval at which the log's mark records that drivers are connected.
const touchEvery = 2 * time.Second

// keepSession records in the log's mark that a driver session is open, until ctx ends: the load of a swarm that
// disconnected long ago must not start again when drivers connect.
func (s *server) keepSession(ctx context.Context) {
	tick := time.NewTicker(touchEvery)
	defer tick.Stop()
	for {
		s.touchSession()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (s *server) touchSession() {
	if s.registry.Open() == 0 {
		return
	}
	if err := s.sessions.TouchSession(time.Now()); err != nil {
		s.cfg.Logger.Warn("cannot record that drivers are connected; after a restart they may receive a stop",
			"err", err)
	}
}
