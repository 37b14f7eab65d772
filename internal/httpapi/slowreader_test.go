package httpapi

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// longAnswer is more than a client gets in several steps.
const longAnswer = 5 * writeStep

// connected runs a test with a raw connection to a server that gives long answers, in a bubble of fake time.
func connected(t *testing.T, handler http.HandlerFunc, test func(t *testing.T, conn net.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		network := swarmtest.Serve(t, withWriteTimeout(handler))
		conn, err := network.Dial(t.Context(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		test(t, conn)
	})
}

func answerAtLength(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, strings.Repeat("x", longAnswer))
}

func ask(t *testing.T, conn net.Conn, more string) {
	t.Helper()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\n"+more+"\r\n"); err != nil {
		t.Fatal(err)
	}
}

func TestClientThatNeverReadsIsDisconnected(t *testing.T) {
	connected(t, answerAtLength, func(t *testing.T, conn net.Conn) {
		ask(t, conn, "")
		<-time.After(writeTimeout + time.Second)
		synctest.Wait()
		if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
			t.Errorf("%d bytes and %v, want the end of the connection", len(rest), err)
		}
	})
}

func TestClientThatNeverReadsAShortAnswerIsDisconnected(t *testing.T) {
	connected(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) },
		func(t *testing.T, conn net.Conn) {
			ask(t, conn, "")
			<-time.After(writeTimeout + time.Second)
			synctest.Wait()
			if rest, err := io.ReadAll(conn); err != nil || len(rest) > 0 {
				t.Errorf("%d bytes and %v, want the end of the connection", len(rest), err)
			}
		})
}

func TestClientThatReadsSlowlyGetsEverything(t *testing.T) {
	connected(t, answerAtLength, func(t *testing.T, conn net.Conn) {
		ask(t, conn, "Connection: close\r\n")
		got, b := 0, make([]byte, 4<<10)
		for {
			<-time.After(writeTimeout / 10)
			n, err := conn.Read(b)
			got += n
			if err != nil {
				break
			}
		}
		if got < longAnswer {
			t.Errorf("%d bytes of at least %d", got, longAnswer)
		}
	})
}

// TestOldDeadlineDoesNotEndTheNextAnswer: net/http writes "100 Continue" by itself.
func TestOldDeadlineDoesNotEndTheNextAnswer(t *testing.T) {
	connected(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, _ = w.Write(b)
	}, func(t *testing.T, conn net.Conn) {
		in := bufio.NewReader(conn)
		for range 2 {
			_, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
			if err != nil {
				t.Fatal(err)
			}
			if line, err := in.ReadString('\n'); !strings.HasPrefix(line, "HTTP/1.1 100") {
				t.Fatalf("%q, %v", line, err)
			}
			_, _ = in.ReadString('\n')
			if _, err := io.WriteString(conn, "hi"); err != nil {
				t.Fatal(err)
			}
			resp, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := io.ReadAll(resp.Body); string(b) != "hi" {
				t.Fatalf("%q, %v", b, err)
			}
			_ = resp.Body.Close()
			<-time.After(10 * writeTimeout)
		}
	})
}

// TestHandlersKeepTheirOwnDeadlines: a stream that is silent for long goes on.
func TestHandlersKeepTheirOwnDeadlines(t *testing.T) {
	connected(t, func(w http.ResponseWriter, _ *http.Request) {
		control := http.NewResponseController(w)
		for range 3 {
			_ = control.SetWriteDeadline(time.Now().Add(time.Second))
			_, _ = io.WriteString(w, "beat\n")
			_ = control.Flush()
			_ = control.SetWriteDeadline(time.Time{})
			<-time.After(10 * writeTimeout)
		}
	}, func(t *testing.T, conn net.Conn) {
		ask(t, conn, "Connection: close\r\n")
		got, err := io.ReadAll(conn)
		if err != nil || strings.Count(string(got), "beat") != 3 {
			t.Errorf("%q, %v", got, err)
		}
	})
}
