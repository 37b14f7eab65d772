// Package freezer is a network for tests that can be frozen.
package freezer

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// Freezer dials connections that can be frozen: then neither side receives anything, and neither is notified.
type Freezer struct {
	mu     sync.Mutex
	thawed sync.Cond
	frozen bool
	conns  []net.Conn
}

// New returns a Freezer that is not frozen.
func New() *Freezer {
	f := &Freezer{}
	f.thawed.L = &f.mu
	return f
}

// Client returns a client whose connections can be frozen.
func (f *Freezer) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: f.dial}}
}

func (f *Freezer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns = append(f.conns, conn)
	return &freezable{conn, f}, nil
}

// Freeze stops all traffic, also of later connections.
func (f *Freezer) Freeze() { f.set(true) }

// Thaw lets the connections continue.
func (f *Freezer) Thaw() { f.set(false) }

// Cut closes the connections if they are frozen, so that neither side waits.
func (f *Freezer) Cut() {
	f.mu.Lock()
	if f.frozen {
		for _, c := range f.conns {
			_ = c.Close()
		}
	}
	f.mu.Unlock()
	f.set(false)
}

func (f *Freezer) set(frozen bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = frozen
	f.thawed.Broadcast()
}

func (f *Freezer) wait() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.frozen {
		f.thawed.Wait()
	}
}

type freezable struct {
	net.Conn
	f *Freezer
}

func (c *freezable) Write(p []byte) (int, error) {
	c.f.wait()
	return c.Conn.Write(p)
}

func (c *freezable) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.f.wait()
	return n, err
}
