package cluster

import (
	"context"
	"sync"
	"time"
)

// hold knows whether this node holds its own lease. It counts from before the renewal was sent, by the monotonic clock,
// which goes on while the process is stopped. So it ends before the entry expires for the others.
//
// A lapse lasts until OnLeaseLost has returned, even if the lease is renewed before that: a process that was paused
// must not find that all is well before it has heard that it was not.
type hold struct {
	lease         time.Duration
	lost, renewed func()

	mu     sync.Mutex
	taken  bool // renewed at least once, and not released
	until  time.Time
	lapsed bool
	wake   chan struct{}
}

func newHold(lease time.Duration, lost, renewed func()) *hold {
	return &hold{lease: lease, lost: lost, renewed: renewed, wake: make(chan struct{}, 1)}
}

// holds reports whether the lease is in force.
func (h *hold) holds() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.look(time.Now())
	return h.taken && !h.lapsed
}

// look notices that the lease has expired. h.mu is held.
func (h *hold) look(now time.Time) {
	if h.taken && !h.lapsed && !now.Before(h.until) {
		h.lapsed = true
		h.signal()
	}
}

func (h *hold) signal() {
	select {
	case h.wake <- struct{}{}:
	default:
	}
}

// renew says that a renewal which was sent at that time has succeeded.
func (h *hold) renew(sent time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.look(time.Now())
	h.taken, h.until = true, sent.Add(h.lease)
	h.signal()
}

// release gives up the lease, without calling anybody.
func (h *hold) release() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.taken = false
}

// left returns how long the lease lasts.
func (h *hold) left() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.taken || h.lapsed {
		return 0
	}
	return max(0, time.Until(h.until))
}

// run calls the functions of a loss and of the renewal after it, until ctx ends.
func (h *hold) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	told := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.wake:
		case <-timer.C:
		}
		h.mu.Lock()
		now := time.Now()
		h.look(now)
		lose := h.taken && h.lapsed && !told
		regain := h.taken && h.lapsed && told && now.Before(h.until)
		if regain {
			h.lapsed = false
		}
		if h.taken && !h.lapsed {
			timer.Reset(h.until.Sub(now))
		}
		h.mu.Unlock()
		switch {
		case lose:
			told = true
			h.lost()
			h.signal() // it may have been renewed meanwhile
		case regain:
			told = false
			h.renewed()
		}
	}
}
