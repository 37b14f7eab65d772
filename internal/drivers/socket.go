package drivers

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// sendBuffer is small, so that a peer that has stopped reading is noticed early; the kernel's default would accept
// megabytes.
const sendBuffer = 32 << 10

// controlTimeout is the time after which the WebSocket library closes a connection that does not accept a ping, a pong
// or a close.
const controlTimeout = 5 * time.Second

// bufferBytes replaces the two 4 KiB buffers of net/http: frames here are small, sessions are many.
const bufferBytes = 1 << 10

// socketWriter is an http.ResponseWriter whose hijacked connection is a socket.
type socketWriter struct {
	http.ResponseWriter
	since  time.Time // that the socket's clock counts from
	socket *socket
}

// Hijack takes over the connection from the HTTP server.
func (w *socketWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, err := rw.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	raw := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		raw = t.NetConn()
	}
	limitSendBuffer(raw)
	w.socket = &socket{Conn: conn, raw: raw, early: append([]byte(nil), early...), since: w.since}
	small := bufio.NewReadWriter(bufio.NewReaderSize(w.socket, bufferBytes), bufio.NewWriterSize(w.socket, bufferBytes))
	return w.socket, small, nil
}

func limitSendBuffer(conn net.Conn) {
	if c, ok := conn.(interface{ SetWriteBuffer(int) error }); ok {
		_ = c.SetWriteBuffer(sendBuffer) // only a hint: a kernel that refuses it costs memory, not correctness
	}
}

// socket is a connection that tracks the progress of its writes, and can hold them back, so that frames that wait
// together are sent with one system call.
type socket struct {
	net.Conn
	raw   net.Conn // the connection under TLS, else Conn
	early []byte   // read by the HTTP server before the hijack

	since     time.Time    // both times below are durations since then, on the monotonic clock
	writingAt atomic.Int64 // when the running write began, 0 for none
	sentAt    atomic.Int64 // when the kernel accepted the last write
	jammed    atomic.Bool  // a write failed after it had made no progress for controlTimeout

	mu     sync.Mutex
	corked bool
	held   []byte
}

func (s *socket) Read(p []byte) (int, error) {
	if len(s.early) > 0 {
		n := copy(p, s.early)
		s.early = s.early[n:]
		return n, nil
	}
	return s.Conn.Read(p)
}

func (s *socket) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.corked {
		s.held = append(s.held, p...)
		return len(p), nil
	}
	return s.push(p)
}

// push gives p to the kernel. Every write goes through it: those of the writer, and the library's own pongs, pings and
// closes.
func (s *socket) push(p []byte) (int, error) {
	began := s.clock(time.Now())
	s.writingAt.Store(began)
	n, err := s.Conn.Write(p)
	now := s.clock(time.Now())
	if err == nil {
		s.sentAt.Store(now)
	} else if time.Duration(now-began) >= controlTimeout {
		s.jammed.Store(true)
	}
	s.writingAt.Store(0)
	return n, err
}

// blocked is how long the running write has made no progress, 0 when there is none.
func (s *socket) blocked(now time.Time) time.Duration {
	if began := s.writingAt.Load(); began != 0 {
		return time.Duration(s.clock(now) - began)
	}
	return 0
}

// clock returns the time since the socket's session began; never 0.
func (s *socket) clock(now time.Time) int64 { return int64(now.Sub(s.since)) + 1 }

// cut ends the connection at once, without a close message: TLS would first try to send one to a peer that may not
// read, and the library would wait for a close that is in progress.
func (s *socket) cut() { _ = s.raw.Close() } // the only possible error is that the connection is closed already

// cork holds writes back until uncork.
func (s *socket) cork() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.corked = true
}

// uncork writes the data that was held back.
func (s *socket) uncork() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.corked = false
	held := s.held
	s.held = nil
	if len(held) == 0 {
		return nil
	}
	_, err := s.push(held)
	return err
}
