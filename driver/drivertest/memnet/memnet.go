// Package memnet is a network in memory, for tests: client and server run in one synctest bubble, where a deadline of
// 30 s passes at once. Its connections have no buffer, so a peer that does not read blocks a writer at once.
package memnet

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
)

var errRefused = errors.New("connection refused")

// Listener accepts the connections that Dial makes. The zero value is not usable; see New.
type Listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// New returns a listener for Dial.
func New() *Listener { return &Listener{conns: make(chan net.Conn), done: make(chan struct{})} }

// Dial connects to l, whatever the address. It has the form of http.Transport.DialContext.
func (l *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.done:
		return nil, errRefused
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Accept returns the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close refuses new connections; existing ones stay open.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr returns a placeholder.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: "memory"} }

// Client returns an HTTP client that reaches this listener and no other. It keeps no connection, because an idle one
// would outlive the bubble of the test.
func (l *Listener) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: l.Dial}}
}
