package swarmtest

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy is a TCP proxy on loopback in front of a server that stops and starts. Its address stays the same while the
// server's changes; a client that connects while there is no server waits for the next one. It closes connections on
// demand.
type Proxy struct {
	listener net.Listener
	running  sync.WaitGroup

	mu      sync.Mutex
	changed sync.Cond
	server  string // address, "" while there is none
	refuses bool   // closes new connections meanwhile
	limits  func() (up, down int64)
	open    map[net.Conn]struct{}
	silent  bool
	slices  int // bytes per write, 0 for as they arrive
	closed  bool
}

// NewProxy listens until the test ends.
func NewProxy(t testing.TB) *Proxy {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: l, open: map[net.Conn]struct{}{}}
	p.changed.L = &p.mu
	p.running.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// URL returns the proxy's URL.
func (p *Proxy) URL() string { return "http://" + p.Addr() }

// Addr returns the proxy's address.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Forward sends new and waiting connections to the server at addr; with "" they wait.
func (p *Proxy) Forward(addr string) {
	p.set(func() { p.server, p.refuses = addr, false })
}

// Refuse closes new and waiting connections at once, until Forward, as if no server ran.
func (p *Proxy) Refuse() {
	p.set(func() { p.server, p.refuses = "", true })
}

// Limit sets f, which returns for each new connection after how many bytes to the server (up) and to the client (down)
// it is closed; -1 is never. It is closed when one more byte has arrived, so that 0 down lets the server answer and
// loses the answer. Nil closes none.
func (p *Proxy) Limit(f func() (up, down int64)) {
	p.set(func() { p.limits = f })
}

// Cut closes every open connection.
func (p *Proxy) Cut() {
	p.set(func() {
		for c := range p.open {
			_ = c.Close()
		}
	})
}

// Silence blocks all data in both directions, or lets it pass again. Connections stay open, and neither side is
// notified, as with a peer whose machine has lost power.
func (p *Proxy) Silence(on bool) {
	p.set(func() { p.silent = on })
}

// Slice passes data in writes of at most n bytes, 0 for as it arrives.
func (p *Proxy) Slice(n int) {
	p.set(func() { p.slices = n })
}

func (p *Proxy) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
	p.changed.Broadcast()
}

func (p *Proxy) close() {
	_ = p.listener.Close()
	p.set(func() { p.closed = true })
	p.Cut()
	p.running.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.running.Go(func() { p.serve(client) })
	}
}

func (p *Proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	addr, up, down := p.await(client)
	defer p.set(func() { delete(p.open, client) })
	server, err := new(net.Dialer).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return
	}
	var copies sync.WaitGroup
	pass := func(to, from net.Conn, limit int64) {
		carry(gated{to, p}, from, limit)
		_, _ = client.Close(), server.Close()
	}
	copies.Go(func() { pass(server, client, up) })
	copies.Go(func() { pass(client, server, down) })
	copies.Wait()
}

// await waits for a server, and returns its address and when to close.
func (p *Proxy) await(client net.Conn) (addr string, up, down int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.server == "" && !p.closed && !p.refuses {
		p.changed.Wait()
	}
	if p.closed || p.refuses {
		return "", -1, -1
	}
	p.open[client] = struct{}{}
	if p.limits == nil {
		return p.server, -1, -1
	}
	up, down = p.limits()
	return p.server, up, down
}

// gated is a writer that waits while the proxy is silent, and splits writes as Slice says.
type gated struct {
	io.Writer
	p *Proxy
}

func (g gated) Write(b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var wrote int
		wrote, err = g.Writer.Write(b[n:min(len(b), n+g.pass(len(b)))])
		n += wrote
	}
	return n, err
}

// pass waits until data may pass, and returns the size of the next write; most is the size without slicing.
func (g gated) pass(most int) int {
	g.p.mu.Lock()
	defer g.p.mu.Unlock()
	for g.p.silent && !g.p.closed {
		g.p.changed.Wait()
	}
	if g.p.slices > 0 {
		return g.p.slices
	}
	return most
}

func carry(to io.Writer, from io.Reader, limit int64) {
	if limit < 0 {
		_, _ = io.Copy(to, from)
		return
	}
	if _, err := io.CopyN(to, from, limit); err == nil {
		_, _ = from.Read(make([]byte, 1))
	}
}
