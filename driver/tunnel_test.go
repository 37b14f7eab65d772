package driver

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// forwardProxy is a forward proxy as usually deployed: it tunnels with CONNECT, and removes Upgrade from other
// requests.
type forwardProxy struct {
	target string // the address behind every name
	answer int    // status of its answer to CONNECT; 0: a tunnel

	mu   sync.Mutex
	seen []string
	auth string
	open sync.WaitGroup // CONNECTs, and both directions of their tunnels
}

func (p *forwardProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.seen, p.auth = append(p.seen, r.Method+" "+r.RequestURI), r.Header.Get("Proxy-Authorization")
	p.mu.Unlock()
	switch {
	case r.Method != http.MethodConnect:
		r.Header.Del("Upgrade")
		r.URL.Host = p.target
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	case p.answer != 0:
		w.WriteHeader(p.answer)
	default:
		p.open.Add(1) // before the driver has its answer, and so before the test waits
		defer p.open.Done()
		p.tunnel(w)
	}
}

func (p *forwardProxy) tunnel(w http.ResponseWriter) {
	far, err := net.Dial("tcp", p.target)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	near, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(near, "HTTP/1.1 200 Connection established\r\n\r\n")
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		p.open.Go(func() {
			_, _ = io.Copy(way[0], way[1])
			_ = way[0].Close()
		})
	}
}

// socketServer accepts drivers, and does nothing else.
func socketServer(t *testing.T) (addr string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}})
		if err == nil {
			_, _, _ = conn.Read(r.Context())
			_ = conn.CloseNow()
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// through dials as a driver does, with a transport that has a proxy.
func through(t *testing.T, at string, transport *http.Transport) error {
	t.Helper()
	t.Cleanup(transport.CloseIdleConnections)
	c, err := newClient(Config{URL: at, DriverID: "d-1", HTTPClient: &http.Client{Transport: transport}}, &recorder{})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := c.dial(t.Context(), c.servers.current(), new(pulse))
	if err == nil {
		_ = conn.CloseNow()
	}
	return err
}

// TestPlainSocketsAreTunneled: proxies do not forward an Upgrade, so a WebSocket needs CONNECT even without TLS.
func TestPlainSocketsAreTunneled(t *testing.T) {
	for name, start := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer,
		"https": httptest.NewTLSServer} {
		p := &forwardProxy{target: socketServer(t)}
		server := start(p)
		at, _ := url.Parse(server.URL)
		at.User = url.UserPassword("me", "se cret")
		transport := &http.Transport{Proxy: http.ProxyURL(at)}
		if server.Certificate() != nil {
			transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
		}
		for _, address := range []string{"ws://drivers.example.com", "http://drivers.example.com:8080/swarmcall"} {
			if err := through(t, address, transport); err != nil {
				t.Errorf("%s through a proxy by %s: %v", address, name, err)
			}
		}
		p.open.Wait()
		server.Close()
		if got := strings.Join(
			p.seen,
			", ",
		); got != "CONNECT drivers.example.com:80, CONNECT drivers.example.com:8080" ||
			p.auth != "Basic bWU6c2UgY3JldA==" {
			t.Errorf("the proxy by %s saw %s, credential %q", name, got, p.auth)
		}
	}
}

// TestErrorsNameTheProxy: errors name the proxy, but not its password. The environment sets the proxy, so users may not
// know of it.
func TestErrorsNameTheProxy(t *testing.T) {
	for _, answer := range []int{http.StatusForbidden, http.StatusProxyAuthRequired, http.StatusBadGateway,
		http.StatusFound} {
		server := httptest.NewServer(&forwardProxy{answer: answer})
		at, _ := url.Parse(server.URL)
		at.User = url.UserPassword("me", "secret")
		for _, address := range []string{"ws://drivers.example.com", "wss://drivers.example.com"} {
			err := through(t, address, &http.Transport{Proxy: http.ProxyURL(at)})
			if err == nil || !strings.Contains(err.Error(), "through the proxy http://me:xxxxx@"+at.Host) ||
				strings.Contains(err.Error(), "secret") ||
				!strings.Contains(err.Error(), http.StatusText(answer)) {
				t.Errorf("%s, %d: %v", address, answer, err)
			}
			if actionAfter(err) != wire.Reconnect {
				t.Errorf("%s, %d: a proxy that refuses now may not do so later", address, answer)
			}
		}
		server.Close()
	}
	nobody := httptest.NewServer(nil)
	at, _ := url.Parse(nobody.URL)
	nobody.Close()
	if err := through(t, "ws://drivers.example.com", &http.Transport{Proxy: http.ProxyURL(at)}); err == nil ||
		!strings.Contains(err.Error(), "through the proxy "+at.String()) {
		t.Errorf("a proxy that is not there: %v", err)
	}
}

// TestTunnelEndsWithItsContext: the dial ends with its context, even while the proxy does not answer.
func TestTunnelEndsWithItsContext(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	asked, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = conn.Read(make([]byte, 1))
		close(asked)
		_, _ = io.Copy(io.Discard, conn)
	}()
	proxy := &url.URL{Scheme: "http", Host: listener.Addr().String()}
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), proxyKey{}, proxy))
	go func() { <-asked; cancel() }()
	if _, err := (connector{&http.Transport{}}).dial(ctx, "tcp", "drivers.example.com:80"); err == nil {
		t.Error("a tunnel without an answer")
	}
	<-ended
}

// TestNoProxyNoTunnel: if no proxy applies to the server, the client is unchanged.
func TestNoProxyNoTunnel(t *testing.T) {
	none := func(*http.Request) (*url.URL, error) { return nil, nil }
	if err := through(t, "ws://"+socketServer(t), &http.Transport{Proxy: none}); err != nil {
		t.Error(err)
	}
	at, _ := url.Parse("http://me:secret@proxy.lan:3128")
	for address, want := range map[string]string{"ws://a.example": "http://me:xxxxx@proxy.lan:3128",
		"wss://a.example": "http://me:xxxxx@proxy.lan:3128", "%": ""} {
		if got := proxyOf(
			throughTunnels(&http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(at)}}),
			address,
		); got != want {
			t.Errorf("%s is reached through %q, want %q", address, got, want)
		}
	}
	own := &http.Client{Transport: &http.Transport{}}
	if throughTunnels(own) != own {
		t.Error("a transport without a proxy was replaced")
	}
}
