package app_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarmtest/certtest"
)

// hang is a timeout that only a hang reaches.
const hang = time.Minute

// logLines is a log that a test may read while it is written.
type logLines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logLines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// secure is a server with a certificate.
type secure struct {
	*servertest.Server
	ca  *certtest.Authority
	dir string // of the certificate
	log *logLines
}

func serveTLS(t *testing.T, level slog.Level) *secure {
	t.Helper()
	s := &secure{ca: certtest.New(t), dir: t.TempDir(), log: &logLines{}}
	cfg := servertest.Config(t)
	cfg.TLSCert, cfg.TLSKey = s.ca.Issue(certtest.Leaf{Name: "0"}).Write(t, s.dir)
	cfg.HeartbeatInterval = time.Second
	cfg.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: level}))
	s.Server = servertest.Start(t, cfg)
	return s
}

// client returns a client that trusts the test's authority. Without protocols it prefers HTTP/2, as browsers do.
func (s *secure) client(t *testing.T, protocols ...string) *http.Client {
	t.Helper()
	transport := &http.Transport{
		ForceAttemptHTTP2: len(protocols) == 0, TLSClientConfig: &tls.Config{RootCAs: s.ca.Pool, NextProtos: protocols},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// get returns the answer to a GET, and its body.
// head is an answer without its body.
type head struct {
	StatusCode, ProtoMajor int
	Proto                  string
	Header                 http.Header
	TLS                    *tls.ConnectionState
}

func get(t *testing.T, c *http.Client, url string) (head, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return head{resp.StatusCode, resp.ProtoMajor, resp.Proto, resp.Header, resp.TLS}, string(b)
}

// certificate returns the name of the certificate that a new connection gets.
func (s *secure) certificate(t *testing.T) string {
	t.Helper()
	conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: s.ca.Pool}}).DialContext(t.Context(), "tcp", s.Config.Listen)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	state := conn.(*tls.Conn).ConnectionState()
	return state.PeerCertificates[0].Subject.CommonName
}

// until waits for a condition.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline, again := time.After(hang), time.NewTicker(20*time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("waited %v until %s", hang, what)
		}
	}
}

func TestProtocolsOverTLS(t *testing.T) {
	s := serveTLS(t, slog.LevelInfo)
	for want, c := range map[string]*http.Client{
		"HTTP/2.0": s.client(t), "HTTP/1.1": s.client(t, "http/1.1"),
	} {
		resp, body := get(t, c, s.URL+"/readyz")
		if resp.Proto != want || resp.StatusCode != http.StatusOK {
			t.Errorf("%s %d %s; want %s", resp.Proto, resp.StatusCode, body, want)
		}
		if resp.Header.Get("Strict-Transport-Security") != "" {
			t.Error("HSTS on loopback would concern every program on this machine")
		}
		if resp, body = get(t, c, s.URL+"/"); !strings.Contains(body, "<html") {
			t.Errorf("the dashboard over %s: %d %s", want, resp.StatusCode, body)
		}
	}
	// a WebSocket needs HTTP/1.1; a client that tries HTTP/2 gets an answer that says what is missing
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/drivers/connect", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-WebSocket-Protocol", wire.Subprotocol)
	resp, err := s.client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusBadRequest || resp.ProtoMajor != 2 {
		t.Errorf("a driver over %s: %d", resp.Proto, resp.StatusCode)
	}
	if !strings.Contains(s.log.String(), "url="+s.URL) {
		t.Errorf("the log does not name %s:\n%s", s.URL, s.log)
	}
}

// TestHandshakesThatFail: they are answered or refused, and anyone could cause any number of them, so the log does not
// have a line for each.
func TestHandshakesThatFail(t *testing.T) {
	s := serveTLS(t, slog.LevelInfo)
	old := &tls.Config{RootCAs: s.ca.Pool, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	for name, c := range map[string]*tls.Config{
		"an old version": old, "another authority": {RootCAs: certtest.New(t).Pool},
	} {
		conn, err := (&tls.Dialer{Config: c}).DialContext(t.Context(), "tcp", s.Config.Listen)
		if err == nil {
			_ = conn.Close()
			t.Errorf("%s is accepted", name)
		}
	}
	plain := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, body := get(t, plain, strings.Replace(s.URL, "https:", "http:", 1)+"/readyz")
	if resp.StatusCode != http.StatusBadRequest || !strings.Contains(body, "HTTPS") {
		t.Errorf("plain HTTP: %d %s", resp.StatusCode, body)
	}
	s.Stop() // waits for the connections
	if strings.Contains(s.log.String(), "handshake") {
		t.Errorf("the log has lines about handshakes:\n%s", s.log)
	}
}

// TestDriversStayWhileTheCertificateIsReplaced connects 200 drivers and replaces the certificate five times.
func TestDriversStayWhileTheCertificateIsReplaced(t *testing.T) {
	const drivers, replacements = 200, 5
	s := serveTLS(t, slog.LevelInfo)
	client := s.client(t)
	ctx, leave := context.WithCancel(t.Context())
	var running sync.WaitGroup
	var connected, dropped atomic.Int64
	for i := range drivers {
		running.Go(func() {
			err := driver.Run(ctx, driver.Config{
				URL: s.URL, DriverID: fmt.Sprintf("d-%d", i), HTTPClient: client,
				OnConnect: func(driver.Session) { connected.Add(1) },
				OnDisconnect: func(err error) {
					if err != nil {
						dropped.Add(1)
					}
				},
			}, driver.HandlerFunc(func(context.Context, driver.Command) error { return nil }))
			if err != nil {
				t.Errorf("driver %d: %v", i, err)
			}
		})
	}
	defer running.Wait()
	defer leave()
	until(t, "all drivers are connected", func() bool { return connected.Load() == drivers })
	get(t, client, s.URL+"/livez") // leaves a connection open
	for i := range replacements {
		name := fmt.Sprint(i + 1)
		s.ca.Issue(certtest.Leaf{Name: name}).Write(t, s.dir)
		until(t, "the new certificate is used", func() bool { return s.certificate(t) == name })
	}
	// a pair that does not match leaves the last one in force
	if err := os.WriteFile(filepath.Join(s.dir, "tls.crt"), s.ca.Issue(certtest.Leaf{Name: "6"}).Cert, 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the mistake is reported", func() bool {
		return strings.Contains(s.log.String(), "cannot use the new TLS certificate")
	})
	if got := s.certificate(t); got != "5" {
		t.Errorf("the certificate in force is %q", got)
	}
	resp, body := get(t, client, s.URL+"/state")
	if !strings.Contains(body, fmt.Sprintf(`"counts":{"converged":%d,`, drivers)) {
		t.Errorf("the state: %d %.300s", resp.StatusCode, body)
	}
	if got := resp.TLS.PeerCertificates[0].Subject.CommonName; got != "0" {
		t.Errorf("the client had to connect again: its certificate is %q", got)
	}
	if connected.Load() != drivers || dropped.Load() != 0 {
		t.Errorf("%d of %d drivers were dropped, %d sessions", dropped.Load(), drivers, connected.Load())
	}
	t.Logf("dropped %d of %d drivers in %d replacements", dropped.Load(), drivers, replacements)
}

// TestStreamOverHTTP2: events arrive while the stream is open, and a stop ends it in time.
func TestStreamOverHTTP2(t *testing.T) {
	s := serveTLS(t, slog.LevelInfo)
	client := s.client(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/commands/stream?after=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stream.Body.Close() }()
	if stream.ProtoMajor != 2 || stream.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream is %s %s", stream.Proto, stream.Header.Get("Content-Type"))
	}
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	connected, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- driver.Run(ctx, driver.Config{
			URL: s.URL, DriverID: "d-1", HTTPClient: client, OnConnect: func(driver.Session) { close(connected) },
		}, driver.HandlerFunc(func(context.Context, driver.Command) error { return nil }))
	}()
	<-connected
	const body = `{"command":{"type":"set_players","players":9}}`
	resp, err := client.Post(s.URL+"/commands", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if _ = resp.Body.Close(); resp.StatusCode != http.StatusCreated || resp.ProtoMajor != 2 {
		t.Errorf("the command was answered %s %d", resp.Proto, resp.StatusCode)
	}
	lines := bufio.NewScanner(stream.Body)
	var seen []string
	for lines.Scan() && !strings.Contains(lines.Text(), `"players":9`) {
		seen = append(seen, lines.Text())
	}
	if lines.Err() != nil || !strings.Contains(lines.Text(), `"players":9`) {
		t.Errorf("the command is not in the stream: %v\n%s", lines.Err(), strings.Join(seen, "\n"))
	}
	leave()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	s.Stop()
	if strings.Contains(s.log.String(), "did not end in time") {
		t.Errorf("the stop had to cut connections:\n%s", s.log)
	}
}

// TestReloadOnDemand: the owner of the process reloads the certificate at once, and learns why that is not possible.
func TestReloadOnDemand(t *testing.T) {
	ca, dir := certtest.New(t), t.TempDir()
	cfg := servertest.Config(t)
	cfg.TLSCert, cfg.TLSKey = ca.Issue(certtest.Leaf{Name: "0"}).Write(t, dir)
	cfg.Reloads = &app.Reloads{}
	servertest.Start(t, cfg)
	files := cfg.Reloads.Files()
	if len(files) != 1 || files[0].Path != cfg.TLSCert {
		t.Fatalf("files to reload: %v", files)
	}
	if err := files[0].Read(); err != nil {
		t.Error(err)
	}
	if err := os.Remove(cfg.TLSKey); err != nil {
		t.Fatal(err)
	}
	if err := files[0].Read(); err == nil || !strings.Contains(err.Error(), "tls.key") {
		t.Errorf("without a key: %v", err)
	}
}

// TestUnusableCertificateIsNotServed: the error names the flags.
func TestUnusableCertificateIsNotServed(t *testing.T) {
	cfg := servertest.Config(t)
	cfg.TLSCert, cfg.TLSKey = filepath.Join(t.TempDir(), "tls.crt"), filepath.Join(t.TempDir(), "tls.key")
	err := app.Run(t.Context(), cfg, func(string) { t.Error("it serves") })
	if err == nil || !strings.Contains(err.Error(), "--tls-cert") || !strings.Contains(err.Error(), cfg.TLSCert) {
		t.Errorf("it ended with %v", err)
	}
}
