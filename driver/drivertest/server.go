// Package drivertest is a Swarmcall server in memory, for the tests of driver authors. It sends commands to the driver
// that connects, and returns what the driver answered and reported:
//
//	server := drivertest.NewServer(t)
//	cfg.URL, cfg.HTTPClient = server.URL, server.Client()
//	go driver.Run(ctx, cfg, handler)
//	d := server.Driver()
//	d.SetPlayers(100).WantApplied(t)
//	d.Stop().WantApplied(t)
//
// A test that uses it may run in a synctest bubble: then a lease of a minute takes no real time. Package conformance
// checks everything that the protocol requires of a driver.
package drivertest

import (
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver/drivertest/memnet"
	"github.com/swarmcall/swarmcall/driver/internal/script"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// Server is a Swarmcall server without a log or an API. It answers heartbeats, and gives the next seq to each command.
// Its exported fields are read when a driver registers.
type Server struct {
	URL string // for driver.Config.URL

	HeartbeatInterval time.Duration // 1 s by default
	LeaseTTL          time.Duration // 1 min by default; 0: no lease
	OnLeaseLost       string        // "stop", the default, or "hold"
	LogID             string        // after a change, drivers take it for another log, whose seqs may start anywhere
	Patience          time.Duration // the longest wait for a driver, 2 min by default; then the test fails

	t      testing.TB
	script *script.Server
	client *http.Client

	mu      sync.Mutex
	down    bool
	seq     uint64
	desired []wire.Desired
	open    map[*Driver]struct{}
}

// NewServer starts a server. It ends with the test.
func NewServer(t testing.TB) *Server {
	network := memnet.New()
	transport := &http.Transport{DialContext: network.Dial}
	s := &Server{
		URL: "http://swarmcall.test", HeartbeatInterval: time.Second, LeaseTTL: time.Minute, OnLeaseLost: "stop",
		LogID:    "test.1",
		Patience: 2 * time.Minute,
		t:        t, script: script.New(), client: &http.Client{Transport: transport}, open: map[*Driver]struct{}{},
	}
	s.script.Gate = s.admit
	server := &http.Server{Handler: s.script, ReadHeaderTimeout: time.Minute}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(network) })
	t.Cleanup(func() {
		_ = server.Close()
		s.script.Close()
		transport.CloseIdleConnections()
		serving.Wait()
	})
	return s
}

// Client returns a client for driver.Config.HTTPClient. It reaches this server and no other. A driver with a token also
// needs driver.Config.InsecureToken: the connection is in memory, but not encrypted.
func (s *Server) Client() *http.Client { return s.client }

func (s *Server) admit(w http.ResponseWriter, _ *http.Request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	return !s.down
}

// Desire sets the desired commands for drivers that register from now on: at most one for the players and one for the
// spawn delay. It replaces the earlier ones, and returns the seqs of the new ones.
func (s *Server) Desire(commands ...wire.Command) (seqs []uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.desired = nil
	for _, c := range commands {
		s.seq++
		s.desired = append(s.desired, wire.Desired{Seq: s.seq, Command: c})
		seqs = append(seqs, s.seq)
	}
	return seqs
}

// Down makes the server unavailable, as kill -9 does: it cuts all connections, and refuses new ones until Up.
func (s *Server) Down() {
	s.mu.Lock()
	s.down = true
	open := s.open
	s.open = map[*Driver]struct{}{}
	s.mu.Unlock()
	for d := range open {
		d.Drop()
	}
}

// Up makes the server available again, with the same desired commands.
func (s *Server) Up() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = false
}

// Driver waits for the next driver to connect and register, and accepts it.
func (s *Server) Driver() *Driver {
	s.t.Helper()
	var c *script.Conn
	select {
	case c = <-s.script.Conns:
	case <-time.After(s.Patience):
		s.t.Fatalf("drivertest: no driver connected within %v", s.Patience)
	}
	d := &Driver{
		t: s.t, conn: c, patience: s.Patience, server: s,
		acks: make(chan wire.CommandAck, 1000), beats: make(chan wire.Heartbeat, 100_000),
		left: make(chan wire.Deregister, 1),
	}
	s.accept(d)
	return d
}

func (s *Server) accept(d *Driver) {
	s.t.Helper()
	select {
	case f, ok := <-d.conn.Frames:
		if !ok {
			s.t.Fatalf("drivertest: the driver left before it registered, close code %d", d.conn.End())
		}
		if err := f.Decode(&d.Register); err != nil || f.Type != wire.TypeRegister {
			s.t.Fatalf("drivertest: the first frame is %s (%v), want a register", f.Body, err)
		}
	case <-time.After(s.Patience):
		s.t.Fatalf("drivertest: no register within %v", s.Patience)
	}
	s.mu.Lock()
	desired := append([]wire.Desired{}, s.desired...)
	s.open[d] = struct{}{}
	s.mu.Unlock()
	d.send(wire.Registered{
		Type: wire.TypeRegistered, Session: "s-1", LogID: s.LogID,
		HeartbeatIntervalMS: s.HeartbeatInterval.Milliseconds(),
		LeaseTTLMS:          s.LeaseTTL.Milliseconds(), OnLeaseLost: s.OnLeaseLost, Desired: desired,
	})
	go d.read() // ends with the connection, which ends with the test; script.Server waits for it
}

func (s *Server) next() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	return s.seq
}
