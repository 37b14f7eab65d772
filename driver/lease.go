package driver

import (
	"context"
	"errors"
	"sync"
	"time"
)

// holdOnLeaseLost lets the load continue without the server. For any other value of Session.OnLeaseLost the load stops.
const holdOnLeaseLost = "hold"

var errLeaseLost = errors.New("driver: the lease expired: no frame from the server, although the connection is open")

// lease is the permission to generate load without hearing from the server. It outlives connections by design. Only
// frames of a session that the server has accepted renew it: a server that accepts connections but no register, or
// closes them again and again, controls nothing. A pong does not renew it either, because any WebSocket library sends
// pongs automatically.
type lease struct {
	granted chan struct{} // wakes keepLease: there is a new lease to wait for

	mu        sync.Mutex
	ttl       time.Duration // 0: no lease is running
	hold      bool          // what the server wants when the lease is lost
	heard     time.Time     // time of the last frame, on the monotonic clock
	connected bool          // the server has accepted the session
	busy      bool          // commands wait for the handler, so the driver reads nothing: the silence is its own
	lost      bool          // the lease was lost, which is not yet reported to the server
	gone      chan struct{} // closed when the lease is lost
}

func newLease() *lease { return &lease{granted: make(chan struct{}, 1)} }

// grant starts a lease with the server's parameters. told says that the register has reported the loss of the previous
// one. grant calls begun under the same lock as the loss, so that commands after the loss cannot be mistaken for
// commands before it. The channel is closed when this lease is lost.
func (l *lease) grant(s Session, told bool, begun func()) (gone <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ttl, l.hold, l.heard, l.connected = s.LeaseTTL, s.OnLeaseLost == holdOnLeaseLost, time.Now(), true
	l.busy = true // the reader handles this frame
	l.lost = l.lost && !told
	l.gone = make(chan struct{})
	begun()
	select {
	case l.granted <- struct{}{}:
	default: // a wake-up is already pending
	}
	return l.gone
}

// renew records a frame of the server.
func (l *lease) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.connected {
		l.heard = time.Now()
	}
}

// listen records whether the reader listens. Time without listening does not count as silence of the server.
func (l *lease) listen(listening bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy && listening && l.connected {
		l.heard = time.Now()
	}
	l.busy = !listening && l.connected
}

// disconnected records that the session is over; the lease continues.
func (l *lease) disconnected() {
	l.listen(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connected = false
}

// left returns the remaining time of the lease; ok is false if none is running.
func (l *lease) left() (d time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.leftLocked(), l.ttl > 0
}

func (l *lease) leftLocked() time.Duration {
	if l.busy {
		return l.ttl
	}
	return l.ttl - time.Since(l.heard)
}

// expire ends the lease if its time is over. Unless the server wants the load held, it calls stop, under the lock (see
// grant).
func (l *lease) expire(stop func()) (expired, hold bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ttl <= 0 || l.leftLocked() > 0 {
		return false, false
	}
	l.ttl, l.lost = 0, true
	close(l.gone)
	if !l.hold {
		stop()
	}
	return true, l.hold
}

// unreported reports whether a loss has not yet been reported to the server.
func (l *lease) unreported() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// keepLease carries out OnLeaseLost when the lease expires. It returns when ctx ends.
func (c *client) keepLease(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.lease.granted:
		case <-timer.C:
		}
		if expired, hold := c.lease.expire(func() { c.worker.halt(FromLease) }); expired {
			c.log.Warn("the lease expired: no frame from the server", "load_goes_on", hold)
		}
		if left, ok := c.lease.left(); ok {
			timer.Reset(max(left, time.Millisecond)) // a frame does not reset the timer, so it may fire too early
		}
	}
}
