package driver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// certificate returns a certificate of its own authority for 127.0.0.1, and the PEM of that authority.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: rand.Text()},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature, BasicConstraintsValid: true, IsCA: true,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pemOf(der)
}

func pemOf(der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}

// TestRootsAreReadAtEveryConnect: a server gets a certificate of another authority, and later the driver gets the file
// with that authority. The token is only sent to a server that the file names.
func TestRootsAreReadAtEveryConnect(t *testing.T) {
	before, beforePEM := certificate(t)
	after, afterPEM := certificate(t)
	var present atomic.Pointer[tls.Certificate]
	present.Store(&before)
	hellos := make(chan *tls.Certificate, 1)
	fake := &fakeServer{
		t: t, peers: make(chan *peer), accept: websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}},
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(fake.serve))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that the driver ends
	server.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
		c := present.Load()
		select {
		case hellos <- c:
		default:
		}
		return &tls.Config{Certificates: []tls.Certificate{*c}, MinVersion: tls.VersionTLS12}, nil
	}}
	server.StartTLS()
	defer server.Close()

	roots := file(t, "", beforePEM)
	d := fake.drive(Config{
		URL: server.URL, CAFile: roots, TokenFile: file(t, "", "swc_canary"), Logger: caged(t),
	}, &recorder{})
	d.client.backoff.jitter = func(time.Duration) time.Duration { return time.Millisecond }
	p, _ := fake.welcome()
	if got := p.request.Header.Get("Authorization"); got != "Bearer swc_canary" {
		t.Errorf("presented %q", got)
	}
	present.Store(&after)
	for len(hellos) > 0 {
		<-hellos
	}
	_ = p.conn.CloseNow()
	for met := (*tls.Certificate)(nil); met != &after; {
		met = receive(t, hellos, "a handshake with the new certificate")
	}
	file(t, roots, afterPEM)
	fake.welcome()
	d.stop(nil)
	if err := d.result(); err != nil {
		t.Errorf("Run = %v", err)
	}
}

// TestUnknownAuthority: without the CA file, the driver does not trust the server, and tries again.
func TestUnknownAuthority(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the request arrived")
	}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	c := dialer(t, Config{URL: server.URL, TokenFile: file(t, "", "swc_canary")})
	_, err := c.dial(t.Context(), c.servers.current(), new(pulse))
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); !ok || c.actionAfter(err, true) != wire.Reconnect {
		t.Errorf("%v", err)
	}
}

func dialer(t *testing.T, cfg Config) *client {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	cfg.DriverID, cfg.HTTPClient = "d-1", &http.Client{Transport: transport}
	c, err := newClient(cfg, &recorder{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// socket accepts drivers, and records what credential each presented.
type socket struct{ presented chan string }

func (s socket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.presented <- r.Header.Get("Authorization")
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}})
	if err == nil {
		_, _, _ = conn.Read(r.Context())
		_ = conn.CloseNow()
	}
}

// TestRedirects: the token goes to the same server, or from http to https on the same host, and nowhere else.
func TestRedirects(t *testing.T) {
	target := socket{make(chan string, 10)}
	plain, secure := httptest.NewServer(target), httptest.NewTLSServer(target)
	defer plain.Close()
	defer secure.Close()
	roots := file(t, "", pemOf(secure.Certificate().Raw))
	_, plainPort, _ := net.SplitHostPort(plain.Listener.Addr().String())
	for name, c := range map[string]struct {
		start func(http.Handler) *httptest.Server
		to    string
		ok    bool
	}{
		"another path":               {httptest.NewServer, "/swarm/drivers/connect", true},
		"another path, encrypted":    {httptest.NewTLSServer, "/swarm/drivers/connect", true},
		"to https on the same host":  {httptest.NewServer, secure.URL, true},
		"to wss on the same host":    {httptest.NewServer, strings.Replace(secure.URL, "https", "wss", 1), true},
		"another port":               {httptest.NewServer, plain.URL, false},
		"another port, encrypted":    {httptest.NewTLSServer, secure.URL, false},
		"to http on the same host":   {httptest.NewTLSServer, plain.URL, false},
		"to ws on the same host":     {httptest.NewTLSServer, strings.Replace(plain.URL, "http", "ws", 1), false},
		"another host":               {httptest.NewServer, "http://localhost:" + plainPort, false},
		"https on another host":      {httptest.NewServer, "https://localhost:" + plainPort, false},
		"a subdomain":                {httptest.NewServer, "http://a.127.0.0.1:" + plainPort, false},
		"away and back is not tried": {httptest.NewServer, "http://localhost:" + plainPort + "/back", false},
	} {
		t.Run(name, func(t *testing.T) {
			server := c.start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/drivers/connect" {
					target.ServeHTTP(w, r)
					return
				}
				http.Redirect(w, r, c.to, http.StatusTemporaryRedirect)
			}))
			defer server.Close()
			d := dialer(t, Config{URL: server.URL, TokenFile: file(t, "", "swc_canary"), CAFile: roots})
			conn, err := d.dial(t.Context(), d.servers.current(), new(pulse))
			if conn != nil {
				_ = conn.CloseNow()
			}
			if c.ok {
				if err != nil || <-target.presented != "Bearer swc_canary" {
					t.Errorf("%v", err)
				}
				return
			}
			refused, ok := errors.AsType[*HandshakeError](err)
			if !ok || refused.Status != http.StatusTemporaryRedirect || len(target.presented) > 0 ||
				!strings.Contains(err.Error(), "set Config.URL") || strings.Contains(err.Error(), canary) {
				t.Errorf("%v; %d requests arrived", err, len(target.presented))
			}
			if d.actionAfter(err, true) != wire.Reconnect {
				t.Error("a proxy that redirects for now ends the driver")
			}
		})
	}
}

// TestOwnRedirectPolicy: the policy of the caller's client applies as well, but it cannot send the token elsewhere.
func TestOwnRedirectPolicy(t *testing.T) {
	target := socket{make(chan string, 10)}
	other := httptest.NewServer(target)
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusFound))
	defer server.Close()
	asked := 0
	cfg := Config{URL: server.URL, DriverID: "d-1", HTTPClient: &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { asked++; return nil },
	}}
	for _, token := range []string{file(t, "", "swc_canary"), ""} {
		cfg.TokenFile = token
		c, err := newClient(cfg, &recorder{})
		if err != nil {
			t.Fatal(err)
		}
		conn, err := c.dial(t.Context(), c.servers.current(), new(pulse))
		if (err == nil) != (token == "") || asked != map[bool]int{true: 1}[token == ""] {
			t.Errorf("with token %v: %v, asked %d times", token != "", err, asked)
		}
		if conn != nil {
			_ = conn.CloseNow()
		}
	}
	if got := <-target.presented; got != "" || len(target.presented) > 0 {
		t.Errorf("presented %q to another server", got)
	}
}
