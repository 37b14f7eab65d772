// Package script is the server's side of driver connections, for servers that follow a script. It accepts drivers and
// passes on their messages. On its own it answers only pings.
package script

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// Server is an http.Handler that turns each request to connect into a Conn.
type Server struct {
	// Conns receives every connection, in the order they were opened. The script has to take each.
	Conns chan *Conn

	// Gate is called before the upgrade, and may block. To refuse a request, it answers the request and returns false.
	// Nil accepts all.
	Gate func(http.ResponseWriter, *http.Request) bool

	// Observe is called for every event, from several goroutines. Nil means no call.
	Observe func(Event)

	ctx     context.Context // of all connections
	end     context.CancelFunc
	running sync.WaitGroup

	mu    sync.Mutex
	count int
}

// Event is one line of a transcript.
type Event struct {
	At     time.Time
	Conn   int    // number of the connection, from 1; 0: none yet
	From   string // who did it: "driver" or "server"
	What   string // "connect", "frame", "ping", "close", or another word of the script
	Frame  []byte // of frames
	Code   int    // of closes; -1: the connection was lost
	Detail string
}

// New returns a server. Close it when the script is over.
func New() *Server {
	ctx, end := context.WithCancel(context.Background())
	return &Server{Conns: make(chan *Conn, 64), ctx: ctx, end: end}
}

// Close cuts all connections and waits for their readers.
func (s *Server) Close() {
	s.end()
	s.running.Wait()
}

// ServeHTTP accepts one driver, and returns when its connection has ended.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.running.Add(1)
	defer s.running.Done()
	if s.Gate != nil && !s.Gate(w, r) {
		return
	}
	offered := tokens(r.Header.Values("Sec-WebSocket-Protocol"))
	c := &Conn{
		server: s, Offered: offered, OpenedAt: time.Now(), Frames: make(chan Frame, 100_000), gone: make(chan struct{}),
	}
	if !slices.Contains(offered, wire.Subprotocol) {
		s.refuse(w, offered)
		return
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		Subprotocols: []string{wire.Subprotocol}, InsecureSkipVerify: true, // a script has no secrets
		OnPingReceived: func(context.Context, []byte) bool {
			s.note(Event{Conn: c.N, From: "driver", What: "ping"})
			return !c.mute.Load()
		},
	})
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(-1) // the script checks the length
	c.conn = conn
	s.mu.Lock()
	s.count++
	c.N = s.count
	s.mu.Unlock()
	s.note(Event{Conn: c.N, From: "driver", What: "connect"})
	select {
	case s.Conns <- c:
	case <-s.ctx.Done():
		return
	}
	c.read(s.ctx)
}

// refuse answers as the real server does: before the upgrade, with the supported versions.
func (s *Server) refuse(w http.ResponseWriter, offered []string) {
	s.note(Event{From: "driver", What: "connect", Detail: "offers " + strings.Join(offered, ", ")})
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write([]byte(`{"type":"urn:swarmcall:problem:unsupported_subprotocol","title":"Bad Request",` +
		`"status":400,"code":"unsupported_subprotocol","supported":["` + wire.Subprotocol + `"]}`))
}

func (s *Server) note(e Event) {
	if s.Observe == nil {
		return
	}
	e.At = time.Now()
	s.Observe(e)
}

func tokens(lines []string) (out []string) {
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			out = append(out, strings.TrimSpace(item))
		}
	}
	return out
}
