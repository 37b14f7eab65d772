package driver

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/drivertest/memnet"
	"github.com/swarmcall/swarmcall/driver/internal/wiretest"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// patience bounds every wait of a test, in the fake time of its bubble.
const patience = 10 * time.Minute

// fakeServer is a server in memory that a test controls: on its own it answers only pings. All of it runs inside the
// synctest bubble of the test.
type fakeServer struct {
	t       *testing.T
	network *network
	client  *http.Client
	peers   chan *peer

	refuse func(http.ResponseWriter, *http.Request) bool // if it returns true, it has answered instead of a WebSocket
	accept websocket.AcceptOptions
}

func newFakeServer(t *testing.T) *fakeServer {
	s := &fakeServer{
		t: t, network: &network{Listener: memnet.New(), thawed: make(chan struct{})},
		peers: make(chan *peer), accept: websocket.AcceptOptions{Subprotocols: []string{wire.Subprotocol}},
	}
	transport := &http.Transport{DialContext: s.network.Dial}
	s.client = &http.Client{Transport: transport}
	server := &http.Server{Handler: http.HandlerFunc(s.serve)}
	go func() { _ = server.Serve(s.network) }()
	t.Cleanup(func() {
		_ = server.Close()
		transport.CloseIdleConnections()
	})
	return s
}

func (s *fakeServer) serve(w http.ResponseWriter, r *http.Request) {
	if s.refuse != nil && s.refuse(w, r) {
		return
	}
	conn, err := websocket.Accept(w, r, &s.accept)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	p := &peer{t: s.t, conn: conn, request: r, frames: make(chan frame, 10_000), beats: make(chan frame, 10_000)}
	go func() { s.peers <- p }() // ends when the test receives p: a test must receive every connection
	p.read()
}

// connection waits for the driver to connect.
func (s *fakeServer) connection() *peer {
	s.t.Helper()
	return receive(s.t, s.peers, "a connection")
}

// registered returns the frame that welcome sends, without desired commands.
func registered() wire.Registered {
	return wire.Registered{
		Type: wire.TypeRegistered, Session: "s-1", LogID: "a.1", HeartbeatIntervalMS: 1000, LeaseTTLMS: 60_000,
		OnLeaseLost: "stop",
	}
}

// welcome waits for the driver to connect and register, and accepts it.
func (s *fakeServer) welcome(desired ...wire.Desired) (*peer, wire.Register) {
	s.t.Helper()
	p := s.connection()
	r := expect[wire.Register](p, wire.TypeRegister)
	answer := registered()
	answer.Desired = desired
	p.send(answer)
	return p, r
}

// peer is the server's side of one session.
type peer struct {
	t       *testing.T
	conn    *websocket.Conn
	request *http.Request
	frames  chan frame // all but heartbeats; closed with the connection
	beats   chan frame // heartbeats; closed with the connection
	ended   error      // why frames was closed
}

type frame struct {
	kind string
	body []byte
	at   time.Time
}

func (p *peer) read() {
	defer close(p.beats)
	defer close(p.frames)
	for {
		_, b, err := p.conn.Read(context.Background())
		if err != nil {
			p.ended = err
			return
		}
		kind, err := wire.TypeOf(b)
		if err != nil {
			p.t.Errorf("the driver sent %q: %v", b, err)
		}
		if err := wiretest.Check(b); err != nil {
			p.t.Errorf("the driver sent %s: %v", b, err)
		}
		to := p.frames
		if kind == wire.TypeHeartbeat {
			to = p.beats
		}
		to <- frame{kind, b, time.Now()}
	}
}

func (p *peer) send(frame any) {
	p.t.Helper()
	p.sendText(wire.Encode(frame))
}

func (p *peer) sendText(b []byte) {
	p.t.Helper()
	if err := p.conn.Write(context.Background(), websocket.MessageText, b); err != nil {
		p.t.Errorf("send %s: %v", b, err)
	}
}

func (p *peer) command(seq uint64, c wire.Command) {
	p.t.Helper()
	p.send(wire.CommandFrame{Type: wire.TypeCommand, Seq: seq, Command: c, DeadlineMS: 2000})
}

func (p *peer) close(code wire.CloseCode) {
	_ = p.conn.Close(websocket.StatusCode(code), "as the test wants")
}

// applied waits for the next ack, which must be of seq and applied.
func (p *peer) applied(seq uint64) {
	p.t.Helper()
	p.acked(wire.CommandAck{Type: wire.TypeCommandAck, Seq: seq, Status: wire.StatusApplied})
}

func (p *peer) rejected(seq uint64, code, detail string) {
	p.t.Helper()
	p.acked(wire.CommandAck{
		Type: wire.TypeCommandAck, Seq: seq, Status: wire.StatusRejected, Code: code, Detail: detail,
	})
}

func (p *peer) acked(want wire.CommandAck) {
	p.t.Helper()
	if got := expect[wire.CommandAck](p, wire.TypeCommandAck); got != want {
		p.t.Errorf("acked %+v, want %+v", got, want)
	}
}

// gone waits for the driver to end the session and returns the frames it had sent, and its close code (-1: none).
func (p *peer) gone() (rest []frame, code websocket.StatusCode) {
	p.t.Helper()
	for f := range p.frames {
		rest = append(rest, f)
	}
	return rest, websocket.CloseStatus(p.ended)
}

// expect waits for the next frame, which must be of this kind.
func expect[T any](p *peer, kind string) T {
	p.t.Helper()
	from := p.frames
	if kind == wire.TypeHeartbeat {
		from = p.beats
	}
	f := receive(p.t, from, kind)
	var out T
	if f.kind != kind {
		p.t.Fatalf("got %s, want a %s", f.body, kind)
	}
	if err := wire.Decode(f.body, &out); err != nil {
		p.t.Fatal(err)
	}
	return out
}

func receive[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v, ok := <-from:
		if !ok {
			t.Fatalf("the connection ended; want %s", what)
		}
		return v
	case <-time.After(patience):
		t.Fatalf("waited %v for %s", patience, what)
		panic("unreachable")
	}
}

// underTest is a Run that a test controls.
type underTest struct {
	t      *testing.T
	client *client
	stop   context.CancelCauseFunc
	done   chan error
}

// drive runs a driver against s until the test ends. Waits are the longest that the jitter allows, and of several
// servers it begins with the first.
func (s *fakeServer) drive(cfg Config, h Handler) *underTest {
	s.t.Helper()
	if cfg.URL == "" {
		cfg.URL, cfg.HTTPClient = "http://swarmcall.test", s.client
	}
	if cfg.DriverID == "" {
		cfg.DriverID = "d-1"
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.NewTextHandler(s.t.Output(), nil))
	}
	c, err := newClient(cfg, h)
	if err != nil {
		s.t.Fatal(err)
	}
	c.backoff.jitter, c.servers.at = whole, 0
	ctx, stop := context.WithCancelCause(context.Background())
	d := &underTest{t: s.t, client: c, stop: stop, done: make(chan error, 1)}
	go func() { d.done <- c.run(ctx) }()
	s.t.Cleanup(func() { stop(nil) })
	return d
}

// result waits for Run to return.
func (d *underTest) result() error {
	d.t.Helper()
	return receive(d.t, d.done, "the end of Run")
}

// recorder is a handler that records each command and applies it.
type recorder struct {
	mu   sync.Mutex
	seen []Command
}

func (r *recorder) Apply(_ context.Context, c Command) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, c)
	return nil
}

func (r *recorder) commands() []Command {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.seen
}

func players(n int64) wire.Command { return wire.Command{Type: "set_players", Players: &n} }
func delay(ms int64) wire.Command  { return wire.Command{Type: "set_spawn_delay_ms", SpawnDelayMS: &ms} }
func stop() wire.Command           { return wire.Command{Type: "stop"} }

// network is a network in memory that can be frozen.
type network struct {
	*memnet.Listener
	frozen chan struct{} // closed: what the driver sends from now on is lost without an error; nil: never
	thawed chan struct{}
	once   sync.Once
}

func (n *network) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &coldConn{Conn: c, frozen: n.frozen, thawed: n.thawed}, nil
}

func (n *network) Close() error {
	n.once.Do(func() { close(n.thawed) })
	return n.Listener.Close()
}

// coldConn loses all data that arrives after frozen is closed, and fails when the network closes.
type coldConn struct {
	net.Conn
	frozen, thawed chan struct{}
}

func (c *coldConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	select {
	case <-c.frozen:
		<-c.thawed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}
