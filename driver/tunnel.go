package driver

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
)

// tunneled connects through a forward proxy with CONNECT, whether or not the connection is encrypted. Without it,
// net/http would send the request for an unencrypted WebSocket to the proxy as a plain GET, and proxies remove the
// Upgrade header from that.
type tunneled struct {
	direct *http.Transport // the caller's own: without a proxy, to https, or through SOCKS, which always tunnels
	tunnel *http.Transport // a copy that connects with CONNECT
}

// throughTunnels returns a client like c. A transport that is not from net/http, or has no proxy, is unchanged.
func throughTunnels(c *http.Client) *http.Client {
	if c == nil {
		c = http.DefaultClient
	}
	rt := c.Transport
	if rt == nil {
		rt = http.DefaultTransport
	}
	direct, ok := rt.(*http.Transport)
	if !ok || direct.Proxy == nil {
		return c
	}
	tunnel := direct.Clone()
	tunnel.Proxy = nil
	tunnel.MaxIdleConnsPerHost = -1 // a connection goes through one request's proxy: no other request may use it
	tunnel.DialContext = connector{direct}.dial
	out := *c
	out.Transport = tunneled{direct, tunnel}
	return &out
}

// proxyOf names the proxy that a client uses for an address, without its password; "" if there is none.
func proxyOf(c *http.Client, address string) string {
	t, ok := c.Transport.(tunneled)
	u, err := url.Parse(address)
	if !ok || err != nil {
		return ""
	}
	u.Scheme = map[string]string{"ws": "http", "http": "http"}[u.Scheme]
	if u.Scheme == "" {
		u.Scheme = "https"
	}
	proxy, err := t.direct.Proxy(&http.Request{URL: u, Header: http.Header{}})
	if err != nil || proxy == nil {
		return ""
	}
	return proxy.Redacted()
}

type proxyKey struct{}

// RoundTrip implements http.RoundTripper. Its errors name the proxy, because the environment sets it and users forget
// it.
func (t tunneled) RoundTrip(req *http.Request) (*http.Response, error) {
	proxy, err := t.direct.Proxy(req)
	if err != nil {
		return nil, fmt.Errorf("the address of the proxy is invalid: %w", err)
	}
	if proxy == nil {
		return t.direct.RoundTrip(req)
	}
	via := t.direct
	if req.URL.Scheme == "http" && (proxy.Scheme == "http" || proxy.Scheme == "https") {
		via, req = t.tunnel, req.WithContext(context.WithValue(req.Context(), proxyKey{}, proxy))
	}
	resp, err := via.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("through the proxy %s: %w", proxy.Redacted(), err)
	}
	return resp, nil
}

// connector opens connections through the proxy in the context of the dial.
type connector struct{ direct *http.Transport }

func (c connector) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	proxy, ok := ctx.Value(proxyKey{}).(*url.URL)
	if !ok {
		return nil, errors.New("driver: a tunnel without a proxy")
	}
	conn, err := c.reach(ctx, network, proxy)
	if err != nil {
		return nil, err
	}
	// The context may end during the exchange, which does not use a context.
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	if err = c.connect(ctx, conn, proxy, addr); !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, closed(conn.Close()))
	}
	return conn, nil
}

// closed ignores the error that a connection was already closed.
func closed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// reach connects to the proxy itself.
func (c connector) reach(ctx context.Context, network string, proxy *url.URL) (net.Conn, error) {
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[proxy.Scheme]
	}
	dial := c.direct.DialContext
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	conn, err := dial(ctx, network, net.JoinHostPort(proxy.Hostname(), port))
	if err != nil || proxy.Scheme != "https" {
		return conn, err
	}
	cfg := c.direct.TLSClientConfig.Clone()
	if cfg == nil {
		cfg = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	cfg.ServerName, cfg.NextProtos = proxy.Hostname(), nil // CONNECT here is HTTP/1.1
	secure := tls.Client(conn, cfg)
	if err := secure.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, closed(conn.Close()))
	}
	return secure, nil
}

// maxConnectAnswer bounds the head of the proxy's answer.
const maxConnectAnswer = 64 << 10

// connect asks the proxy for a tunnel to addr.
func (c connector) connect(ctx context.Context, conn net.Conn, proxy *url.URL, addr string) error {
	header := c.direct.ProxyConnectHeader.Clone()
	if f := c.direct.GetProxyConnectHeader; f != nil {
		var err error
		if header, err = f(ctx, proxy, addr); err != nil {
			return err
		}
	}
	if header == nil {
		header = http.Header{}
	}
	if u := proxy.User; u != nil && header.Get("Proxy-Authorization") == "" {
		password, _ := u.Password()
		header.Set("Proxy-Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(u.Username()+":"+password)))
	}
	req := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: addr}, Host: addr, Header: header}
	if err := req.Write(conn); err != nil {
		return err
	}
	// No byte of the tunnel can be lost in this buffer: the server sends nothing before it gets a request.
	head := bufio.NewReader(io.LimitReader(conn, maxConnectAnswer))
	resp, err := http.ReadResponse(head, req) //nolint:bodyclose // the body is the tunnel
	if err != nil {
		return fmt.Errorf("CONNECT %s: %w", addr, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("CONNECT %s: %s", addr, resp.Status)
	}
	return nil
}
