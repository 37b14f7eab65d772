// Package proxy runs Swarmcall behind reverse proxies, set up as docs/howto/proxy.md says: Debian's nginx, HAProxy and
// Caddy; and through a forward proxy, Debian's tinyproxy. Tests whose proxy is not installed are skipped on a
// developer's machine and fail where CI=true.
package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/cmd/server/app"
	"github.com/swarmcall/swarmcall/cmd/server/app/servertest"
	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
)

// world is a server behind a proxy.
type world struct {
	t      *testing.T
	at     string // public address, without a slash at the end
	origin string
	client *http.Client // of a program at 127.0.0.2 that has to go through the proxy
	direct string       // address of the server itself
	log    *proctest.Output
}

// behind starts a server and a proxy in front of it.
func behind(t *testing.T, program string, v variant, change func(*app.Config)) *world {
	t.Helper()
	find(t, program)
	p := newPlace(t)
	_, port, _ := net.SplitHostPort(p.addr)
	w := &world{t: t, origin: "https://" + name + ":" + port, log: new(proctest.Output)}
	w.at = w.origin + strings.TrimSuffix(v.path, "/")
	cfg := servertest.Config(t)
	cfg.PublicURL = w.origin + v.path
	if v.trusted {
		cfg.TrustedProxies = []string{"127.0.0.1"}
	}
	if change != nil {
		change(&cfg)
	}
	p.upstream = w.serve(cfg)
	w.direct = "http://" + p.upstream
	text := replaced(t, configuration(t, program, v.kind), v.edits[program]...)
	run(t, programs[program](t, p, text), p.addr)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
			return from.DialContext(ctx, network, p.addr)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	w.client = &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	w.ready()
	return w
}

// serve runs a server until the test ends, and returns its address.
func (w *world) serve(cfg app.Config) string {
	w.t.Helper()
	cfg.Logger = slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	w.t.Cleanup(func() {
		if w.t.Failed() {
			w.t.Logf("the server said:\n%s", w.log.String())
		}
	})
	return servertest.Start(w.t, cfg).Config.Listen
}

// ready waits until the proxy has found the server by its health check.
func (w *world) ready() {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		a := w.do(http.MethodGet, w.at+"/readyz", "")
		if a.status == http.StatusOK {
			return
		}
		select {
		case <-ctx.Done():
			w.t.Fatalf("not ready through the proxy: %d %s", a.status, a.body)
		case <-again.C:
		}
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request through the proxy; headers are "Name: value".
func (w *world) do(method, address, body string, headers ...string) answer {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, address, err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatalf("%s %s: %v", method, address, err)
	}
	return answer{resp.StatusCode, resp.Header, string(b)}
}

// resolve resolves a reference from the public address, as a browser does.
func (w *world) resolve(reference string) string {
	w.t.Helper()
	base, err := url.Parse(w.at + "/")
	if err != nil {
		w.t.Fatal(err)
	}
	to, err := base.Parse(reference)
	if err != nil {
		w.t.Fatal(err)
	}
	return to.String()
}

// command posts a command and returns its seq.
func (w *world) command(body string) uint64 {
	w.t.Helper()
	a := w.do(http.MethodPost, w.at+"/commands", body)
	var entry struct{ Seq uint64 }
	if err := json.Unmarshal([]byte(a.body), &entry); err != nil || a.status != http.StatusCreated {
		w.t.Fatalf("%s: %d %s", body, a.status, a.body)
	}
	return entry.Seq
}

const setPlayers = `{"submitter": "ci", "command": {"type": "set_players", "players": 5}, "deadline_ms": 20000}`

// drive connects a driver by the public address, and returns once it is registered.
func (w *world) drive(id, address string, client *http.Client) {
	w.t.Helper()
	ramp := driver.NewRamp(time.Millisecond, func(ctx context.Context) { <-ctx.Done() })
	connected, ended := make(chan struct{}), make(chan error, 1)
	var once sync.Once
	ctx, leave := context.WithCancel(context.Background())
	cfg := driver.Config{
		URL: address, DriverID: id, HTTPClient: client, State: ramp.State,
		OnConnect: func(driver.Session) { once.Do(func() { close(connected) }) },
		Logger:    slog.New(slog.NewTextHandler(w.log, nil)),
	}
	go func() { ended <- driver.Run(ctx, cfg, ramp) }()
	w.t.Cleanup(func() {
		leave()
		if err := <-ended; err != nil {
			w.t.Logf("%s ended with %v", id, err)
		}
		ramp.Close()
	})
	select {
	case <-connected:
	case err := <-ended:
		ended <- err
		w.t.Fatalf("%s did not connect: %v", id, err)
	case <-time.After(patience):
		w.t.Fatalf("%s did not connect in %v", id, patience)
	}
}

// stream reads events until one contains some words. The answer must come while the stream is open: it has no end.
func (w *world) stream(address, words string, opened func()) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		w.t.Fatal(err)
	}
	resp, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s", address, resp.Status)
	}
	opened()
	for s := bufio.NewScanner(resp.Body); s.Scan(); {
		if strings.Contains(s.Text(), words) {
			return
		}
	}
	w.t.Fatalf("%s ended, or was held back, before it said %q: %v", address, words, ctx.Err())
}

// tries lets a driver try to connect, and returns what its log says of the first attempt.
func (w *world) tries(id string, client *http.Client) string {
	w.t.Helper()
	said := make(chan string, 100)
	ctx, leave := context.WithTimeout(w.t.Context(), patience)
	defer leave()
	ended := make(chan error, 1)
	cfg := driver.Config{
		URL:        w.at,
		DriverID:   id,
		HTTPClient: client,
		Logger:     slog.New(slog.NewTextHandler(lines(said), &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	go func() {
		ended <- driver.Run(ctx, cfg, driver.NewRamp(time.Millisecond, func(ctx context.Context) { <-ctx.Done() }))
	}()
	select {
	case line := <-said:
		leave()
		if err := <-ended; err != nil {
			w.t.Errorf("%s ended with %v, and must try again", id, err)
		}
		return line
	case err := <-ended:
		w.t.Fatalf("%s ended without a word: %v", id, err)
		return ""
	}
}

// lines passes on what is logged, one line at a time.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	select {
	case l <- string(b):
	default: // the first are enough
	}
	return len(b), nil
}
