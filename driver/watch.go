package driver

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// pulse tells how long the server has been silent. While the reader does not listen, because commands wait for the
// handler, the silence is our own and does not count.
type pulse struct {
	mu        sync.Mutex
	listening bool
	since     time.Time // the last frame, or the begin of listening
}

// listen starts the silence anew: the reader begins to listen, or has just heard a ping or pong.
func (p *pulse) listen() { p.set(true) }

// pause says that the reader is busy.
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

// watch finds a connection that is dead without a sign of it. The server lets itself be heard at least four times in a
// lease, so half a lease of silence is odd: then it is asked (ping), and has another quarter to answer. That leaves a
// quarter to connect anew before the lease is lost.
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
