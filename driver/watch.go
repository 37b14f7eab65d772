package driver

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// pulse measures how long the server has been silent. While commands wait for the handler, the reader does not listen,
// and the silence does not count.
type pulse struct {
	mu        sync.Mutex
	listening bool
	since     time.Time // the last frame, or the start of listening
}

// listen restarts the measurement: the reader begins to listen, or has just received a ping or pong.
func (p *pulse) listen() { p.set(true) }

// pause records that the reader is busy.
func (p *pulse) pause() { p.set(false) }

func (p *pulse) set(listening bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listening, p.since = listening, time.Now()
}

func (p *pulse) silence() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.listening {
		return 0
	}
	return time.Since(p.since)
}

// watch detects a dead connection that was not closed. The server sends frames at least four times per lease, so
// silence for half a lease is suspicious: then watch sends a ping, and the server has another quarter to answer. The
// last quarter is left to reconnect before the lease is lost.
func (s *session) watch() {
	lease := s.info.LeaseTTL
	if lease <= 0 {
		return
	}
	for s.alive.Err() == nil {
		if rest := lease/2 - s.pulse.silence(); rest > 0 {
			sleep(s.alive, rest)
			continue
		}
		ctx, cancel := context.WithTimeout(s.alive, lease/4)
		err := s.conn.Ping(ctx)
		cancel()
		if err != nil && s.pulse.silence() >= lease/2 {
			s.end(fmt.Errorf("driver: connection lost: no frame from the server for %v", s.pulse.silence()))
		}
	}
}
