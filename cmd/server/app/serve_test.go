package app

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// dialHTTP connects to the server's own http.Server, with its limits and in the fake time of a bubble. reached reports
// whether a request reached a handler.
func dialHTTP(t *testing.T, reached *bool) net.Conn {
	t.Helper()
	n := swarmtest.ServeBy(t, httpServer(http.HandlerFunc(func(http.ResponseWriter,
		*http.Request) {
		*reached = true
	})))
	conn, err := n.Dial(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestHostileRequests: oversized and ambiguous requests are refused, and their connection is closed.
func TestHostileRequests(t *testing.T) {
	const post = "POST /commands HTTP/1.1\r\nHost: localhost\r\n"
	for name, c := range map[string]struct {
		request string
		status  int
	}{
		"one long header": {"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
			431},
		"many headers": {"GET / HTTP/1.1\r\nHost: localhost\r\n" +
			strings.Repeat("X: "+strings.Repeat("x", 1000)+"\r\n", 100) + "\r\n", 431},
		"no host":           {"GET / HTTP/1.1\r\n\r\n", 400},
		"two hosts":         {"GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400},
		"two lengths":       {post + "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", 400},
		"a negative length": {post + "Content-Length: -1\r\n\r\n", 400},
		"unknown encoding":  {post + "Transfer-Encoding: gzip\r\n\r\n", 501},
		"twice chunked": {post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
			501},
		"a header on two lines": {"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n\tb: c\r\nY : z\r\n\r\n", 400},
		"a bare line feed":      {"GET / HTTP/1.1\r\nHost: localhost\r\nX: a\x00b\r\n\r\n", 400},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var reached bool
				conn := dialHTTP(t, &reached)
				// The write fails once the server has closed the connection.
				go func() { _, _ = io.WriteString(conn, c.request) }()
				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				_ = resp.Body.Close()
				_, _ = io.Copy(io.Discard, conn) // until the server has closed the connection
				if resp.StatusCode != c.status || !resp.Close || reached {
					t.Errorf("got %d, closed %v, reached a handler: %v; want %d", resp.StatusCode, resp.Close, reached,
						c.status)
				}
			})
		})
	}
}

// TestSlowHeaders: a client that sends its headers slowly is disconnected at the timeout, however steadily it sends.
func TestSlowHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reached bool
		conn := dialHTTP(t, &reached)
		began := time.Now()
		var err error
		for _, err = io.WriteString(conn, "GET / HTTP/1.1\r\n"); err == nil; {
			<-time.After(100 * time.Millisecond)
			_, err = fmt.Fprint(conn, "X: y\r\n")
		}
		if took := time.Since(began); took > readHeaderTimeout+time.Second || reached {
			t.Errorf("cut after %v, reached a handler: %v", took, reached)
		}
	})
}

// TestIdleConnectionsEnd: an idle connection is closed after idleTimeout.
func TestIdleConnectionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var reached bool
		conn := dialHTTP(t, &reached)
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if _, err := io.Copy(io.Discard, conn); err != nil {
			t.Error(err)
		}
		if took := time.Since(began); took != idleTimeout || !reached {
			t.Errorf("ended after %v, reached a handler: %v", took, reached)
		}
	})
}
