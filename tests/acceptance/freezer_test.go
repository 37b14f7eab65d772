package acceptance

import (
	"context"
	"net"
	"net/http"
	"sync"
)

// freezer dials connections that can be frozen: then neither end hears the other any more, and nobody is told.
type freezer struct {
	mu     sync.Mutex
	thawed sync.Cond
	frozen bool
	conns  []net.Conn
}

func newFreezer() *freezer {
	f := &freezer{}
	f.thawed.L = &f.mu
	return f
}

func (f *freezer) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: f.dial}}
}

func (f *freezer) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.conns = append(f.conns, conn)
	return &freezable{conn, f}, nil
}

func (f *freezer) freeze() { f.set(true) }

// cut ends what is frozen, so that nobody waits for it.
func (f *freezer) cut() {
	f.mu.Lock()
	if f.frozen {
		for _, c := range f.conns {
			_ = c.Close()
		}
	}
	f.mu.Unlock()
	f.set(false)
}

func (f *freezer) set(frozen bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.frozen = frozen
	f.thawed.Broadcast()
}

func (f *freezer) wait() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.frozen {
		f.thawed.Wait()
	}
}

type freezable struct {
	net.Conn
	f *freezer
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
