package compose

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/internal/swarmtest/proctest"
	"github.com/swarmcall/swarmcall/internal/testenv"
)

// node is a fake of a node: it answers with its name, and is ready or not.
type node struct {
	*httptest.Server

	name    string
	ready   atomic.Bool
	release chan struct{} // ends its stream
}

func newNode(t *testing.T, name string) *node {
	t.Helper()
	n := &node{name: name, release: make(chan struct{})}
	n.ready.Store(true)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !n.ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /name", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s %s", name, r.Host, r.Header.Get("X-Forwarded-For"))
	})
	mux.HandleFunc("GET /stream", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: first\n\n")
		_ = http.NewResponseController(w).Flush()
		<-n.release
	})
	mux.HandleFunc("GET /socket", func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }()
		if kind, b, err := c.Read(r.Context()); err == nil {
			_ = c.Write(r.Context(), kind, b)
		}
	})
	n.Server = httptest.NewServer(mux)
	t.Cleanup(n.Close)
	return n
}

// TestHAProxy runs HAProxy with haproxy.cfg in front of three fakes of nodes; only addresses are replaced.
func TestHAProxy(t *testing.T) {
	var all []*node
	text := read(t, "haproxy.cfg")
	for _, name := range nodes {
		n := newNode(t, name)
		all = append(all, n)
		text = replaced(t, text, " "+name+":8080", " "+n.Listener.Addr().String())
	}
	transport := &http.Transport{DisableKeepAlives: true}
	client := &http.Client{Transport: transport}
	p := &proxy{t: t, at: run(t, text), client: client}

	p.answers("node1", "node2", "node3")
	all[0].ready.Store(false)
	p.answers("node2", "node3")
	all[0].ready.Store(true)
	all[1].Close()
	p.answers("node1", "node3")

	p.streams()
	p.echoes()
	close(all[0].release)
	close(all[2].release)
}

// proxy is a running HAProxy.
type proxy struct {
	t      *testing.T
	at     string
	client *http.Client
}

// answers waits until requests are answered by exactly these nodes: forty in a row, and each of them some.
func (p *proxy) answers(want ...string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	for {
		seen := map[string]int{}
		for range 40 {
			seen[p.name(ctx)]++
		}
		exactly := len(seen) == len(want)
		for _, name := range want {
			exactly = exactly && seen[name] > 0
		}
		if exactly {
			return
		}
		select {
		case <-ctx.Done():
			p.t.Fatalf("the answers came from %v, want %q", seen, want)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// name asks for the name of a node. The node must receive the Host and the address of the client.
func (p *proxy) name(ctx context.Context) string {
	p.t.Helper()
	resp := p.get(ctx, "/name")
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	need(p.t, err)
	if resp.StatusCode != http.StatusOK {
		return resp.Status
	}
	name, rest, _ := strings.Cut(string(b), " ")
	if rest != p.at+" 127.0.0.1" {
		p.t.Fatalf("the node received %q", rest)
	}
	return name
}

func (p *proxy) get(ctx context.Context, path string) *http.Response {
	p.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.at+path, http.NoBody)
	need(p.t, err)
	resp, err := p.client.Do(req)
	need(p.t, err)
	return resp
}

// streams reads an event while the stream is open.
func (p *proxy) streams() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	resp := p.get(ctx, "/stream")
	defer func() { _ = resp.Body.Close() }()
	if line, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil || line != "data: first\n" {
		p.t.Errorf("the stream began with %q, %v", line, err)
	}
}

// echoes sends a WebSocket message and reads it back.
func (p *proxy) echoes() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	c, resp, err := websocket.Dial(ctx, "ws://"+p.at+"/socket", &websocket.DialOptions{HTTPClient: p.client})
	need(p.t, err)
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	defer func() { _ = c.CloseNow() }()
	need(p.t, c.Write(ctx, websocket.MessageText, []byte("hello")))
	if _, b, err := c.Read(ctx); err != nil || string(b) != "hello" {
		p.t.Errorf("got %q, %v", b, err)
	}
}

// run starts HAProxy on a port that is already open, and returns its address.
func run(t *testing.T, text string) string {
	t.Helper()
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	need(t, err)
	defer func() { _ = l.Close() }()
	inherited, err := l.File()
	need(t, err)
	defer func() { _ = inherited.Close() }()
	path := filepath.Join(t.TempDir(), "haproxy.cfg")
	need(t, os.WriteFile(path, []byte(replaced(t, text, "bind :8080", "bind fd@3")), 0o600))
	cmd := exec.Command(find(t), "-db", "-f", path)
	cmd.ExtraFiles = []*os.File{inherited}
	p, err := proctest.Start(cmd)
	need(t, err)
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("HAProxy said:\n%s%s", p.Out, p.Err)
		}
	})
	return l.Addr().String()
}

// find returns the path of HAProxy. On Debian a user's PATH has no /usr/sbin.
func find(t *testing.T) string {
	t.Helper()
	for _, candidate := range []string{"haproxy", "/usr/sbin/haproxy"} {
		if path, err := exec.LookPath(candidate); err == nil {
			return path
		}
	}
	testenv.SkipOrFail(t, "no haproxy: install Debian's package of that name")
	return ""
}

func replaced(t *testing.T, text, old, by string) string {
	t.Helper()
	if !strings.Contains(text, old) {
		t.Fatalf("the configuration has no %q:\n%s", old, text)
	}
	return strings.ReplaceAll(text, old, by)
}
