package httpapi

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

// A client must accept writeStep bytes of an answer within writeTimeout, or its connection is closed: a client that
// never reads would otherwise keep a connection and a goroutine forever.
const (
	writeTimeout = 30 * time.Second
	writeStep    = 32 << 10
)

// withWriteTimeout bounds how long an answer waits for its client. A handler that sets a deadline itself, such as that
// of a stream, keeps its own.
func withWriteTimeout(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &patientWriter{ResponseWriter: w, control: http.NewResponseController(w)}
		p.bound(time.Time{}) // that of the previous answer would end "100 Continue"
		defer p.last()
		next.ServeHTTP(p, r)
	})
}

// patientWriter gives each step of an answer its own deadline.
type patientWriter struct {
	http.ResponseWriter

	control  *http.ResponseController
	own      bool // the handler sets deadlines
	hijacked bool // the connection belongs to somebody else
}

// bound sets the deadline. Test recorders do not support that.
func (p *patientWriter) bound(at time.Time) { _ = p.control.SetWriteDeadline(at) }

// last bounds what net/http writes after the handler.
func (p *patientWriter) last() {
	if !p.hijacked {
		p.bound(time.Now().Add(writeTimeout))
	}
}

// Write implements http.ResponseWriter.
func (p *patientWriter) Write(b []byte) (n int, err error) {
	if p.own {
		return p.ResponseWriter.Write(b)
	}
	for {
		step := b[n:min(len(b), n+writeStep)]
		p.bound(time.Now().Add(writeTimeout))
		written, err := p.ResponseWriter.Write(step)
		if n += written; err != nil || n == len(b) {
			return n, err
		}
	}
}

// SetWriteDeadline is called by the ResponseController of a handler.
func (p *patientWriter) SetWriteDeadline(at time.Time) error {
	p.own = true
	return p.control.SetWriteDeadline(at)
}

// Flush implements http.Flusher.
func (p *patientWriter) Flush() { _ = p.control.Flush() } // its error is that of the next write

// FlushError is called by the ResponseController of a handler.
func (p *patientWriter) FlushError() error { return p.control.Flush() }

// Hijack implements http.Hijacker.
func (p *patientWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := p.control.Hijack()
	p.hijacked = err == nil
	return conn, rw, err
}

// Unwrap is for the ResponseController of a handler.
func (p *patientWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }
