package driver

import (
	"context"
	"errors"
	"sync"
	"time"
)

// holdOnLeaseLost lets the load go on without the server. Whatever else Session.OnLeaseLost says, the load stops.
const holdOnLeaseLost = "hold"

var errLeaseLost = errors.New("driver: the lease expired: no frame from the server, although the connection is open")

// lease is the permission to generate load without having heard from the server. It outlives connections: that is what
// it is for. Only frames of a session that the server has accepted renew it: one that takes the connection and no
// register, or that closes it again and again, controls nothing. Nor does a pong, which any WebSocket library sends by
// itself.
type lease struct {
	granted chan struct{} // wakes keepLease: there is another lease to wait for

	mu        sync.Mutex
	ttl       time.Duration // 0: none is running
	hold      bool          // what the server wants when it is lost
	heard     time.Time     // the last frame, on the monotonic clock
	connected bool          // the session is one that the server has accepted
	busy      bool          // commands wait for the handler, so that nothing is read: the silence is our own
	lost      bool          // and the server has not been told
	gone      chan struct{} // closed with the loss
}

func newLease() *lease { return &lease{granted: make(chan struct{}, 1)} }

// grant begins a lease as the server told. If told, the register has reported the loss of the one before. Under the
// same lock as the loss it calls begun, so that what the server wants from now on cannot be taken for what came before
// the loss. The channel is closed when this lease is lost.
func (l *lease) grant(s Session, told bool, begun func()) (gone <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ttl, l.hold, l.heard, l.connected = s.LeaseTTL, s.OnLeaseLost == holdOnLeaseLost, time.Now(), true
	l.busy = true // with this very frame
	l.lost = l.lost && !told
	l.gone = make(chan struct{})
	begun()
	select {
	case l.granted <- struct{}{}:
	default: // a wake-up is due already
	}
	return l.gone
}

// renew notes a frame of the server.
func (l *lease) renew() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.connected {
		l.heard = time.Now()
	}
}

// listen says whether the reader listens. Time in which it did not is not held against the server.
func (l *lease) listen(listening bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy && listening && l.connected {
		l.heard = time.Now()
	}
	l.busy = !listening && l.connected
}

// disconnected says that the session is over; the lease goes on.
func (l *lease) disconnected() {
	l.listen(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.connected = false
}

// left returns how long the lease still lasts; ok is false when none is running.
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

// expire ends the lease if its time is up. Unless the server wants the load held, it calls stop, under the lock (see
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

// unreported reports whether the server has still to be told of a loss.
func (l *lease) unreported() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lost
}

// keepLease does what the server wanted done once it has not been heard for the time of the lease. It returns when ctx
// ends.
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
			timer.Reset(max(left, time.Millisecond)) // a frame does not touch the timer: it asks again when it fires
		}
	}
}
