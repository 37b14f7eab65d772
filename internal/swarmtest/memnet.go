package swarmtest

import (
	"context"
	"net"
	"net/http"
	"testing"
)

// MemNet is a network in memory: an http.Server and its clients on it fit into a synctest bubble, where a deadline of 30 s
// passes in no time. Its connections have no buffer, so that a peer which does not read blocks a writer at once.
type MemNet struct {
	conns chan net.Conn
	done  chan struct{}
}

// Serve runs h on a new MemNet until the test ends.
func Serve(t testing.TB, h http.Handler) *MemNet {
	return ServeBy(t, &http.Server{Handler: h}) //nolint:gosec // G112: the only client is the test
}

// ServeBy runs a server of the caller's on a new MemNet until the test ends.
func ServeBy(t testing.TB, server *http.Server) *MemNet {
	n := &MemNet{conns: make(chan net.Conn), done: make(chan struct{})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(n)
	}()
	t.Cleanup(func() {
		_ = server.Close()
		<-ended
	})
	return n
}

// Accept implements net.Listener.
func (n *MemNet) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (n *MemNet) Close() error {
	select {
	case <-n.done:
	default:
		close(n.done)
	}
	return nil
}

// Addr implements net.Listener.
func (n *MemNet) Addr() net.Addr { return memAddr{} }

type memAddr struct{}

func (memAddr) Network() string { return "mem" }
func (memAddr) String() string  { return "127.0.0.1:80" }

// Dial connects to the server.
func (n *MemNet) Dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case n.conns <- server:
		return client, nil
	case <-n.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Client returns an HTTP client on the network.
func (n *MemNet) Client() *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, // an idle connection would outlive the test's bubble
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return n.Dial(ctx) },
	}}
}
