package drivers

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
)

// sendBuffer is small, so that a peer that stopped reading shows early; the kernel's own default would swallow megabytes.
const sendBuffer = 32 << 10

// bufferBytes replaces the two 4 KiB buffers of net/http: frames here are small, sessions are many.
const bufferBytes = 1 << 10

// socketWriter is an http.ResponseWriter whose hijacked connection is a socket.
type socketWriter struct {
	http.ResponseWriter
	socket *socket
}

// Hijack takes the connection over from the HTTP server.
func (w *socketWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	limitSendBuffer(conn)
	w.socket = &socket{Conn: conn, early: append([]byte(nil), early...)}
	small := bufio.NewReadWriter(bufio.NewReaderSize(w.socket, bufferBytes), bufio.NewWriterSize(w.socket, bufferBytes))
	return w.socket, small, nil
}

func limitSendBuffer(conn net.Conn) {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok { // TLS
		conn = t.NetConn()
	}
	if c, ok := conn.(interface{ SetWriteBuffer(int) error }); ok {
		_ = c.SetWriteBuffer(sendBuffer) // an advice: a kernel that refuses it costs memory, not correctness
	}
}

// socket is a connection that can hold writes back, so that frames which wait together leave in one system call.
type socket struct {
	net.Conn
	early []byte // read by the HTTP server before the hijack

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
	return s.Conn.Write(p)
}

// cork holds writes back until uncork.
func (s *socket) cork() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.corked = true
}

// uncork writes what was held back.
func (s *socket) uncork() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.corked = false
	held := s.held
	s.held = nil
	if len(held) == 0 {
		return nil
	}
	n, err := s.Conn.Write(held)
	if err == nil && n < len(held) {
		err = io.ErrShortWrite
	}
	return err
}
