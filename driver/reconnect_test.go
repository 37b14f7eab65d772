package driver

import (
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// TestCloseCodes checks for each close code whether the driver reconnects, and how long it waits at most.
func TestCloseCodes(t *testing.T) {
	for _, c := range []struct {
		code wire.CloseCode
		wait time.Duration // until it is back; 0: never
	}{
		{1000, 0}, {1001, 500}, {1002, 0}, {1003, 0}, {1005, 500}, {1007, 0}, {1009, 0}, {1011, 2500}, {1012, 2500},
		{1013, 2500},
		{4001, 0}, {4002, 0}, {4003, 0}, {4004, 500}, {4005, 0}, {4008, 2500}, {1008, 2500}, {4999, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := newFakeServer(t)
			d := server.drive(Config{}, &recorder{})
			p, _ := server.welcome()
			p.send(wire.Error{Type: wire.TypeError, Code: "invalid_frame", Detail: "so it is"})
			start := time.Now()
			p.close(c.code)
			if c.wait > 0 {
				server.welcome()
				if waited, want := time.Since(start), c.wait*time.Millisecond; waited != want {
					t.Errorf("%d: back after %v, want %v", c.code, waited, want)
				}
				return
			}
			want := CloseError{
				Code: c.code, Reason: "as the test wants", ErrorCode: "invalid_frame", ErrorDetail: "so it is",
			}
			if err, ok := errors.AsType[*CloseError](d.result()); !ok || *err != want {
				t.Errorf("%d: Run = %v, want %v", c.code, err, &want)
			}
		})
	}
}

// TestCloseCodeWinsOverAFailedWrite: heartbeats are frequent, so that in some runs a write fails before the reader sees
// the close code.
func TestCloseCodeWinsOverAFailedWrite(t *testing.T) {
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			server := newFakeServer(t)
			d := server.drive(Config{}, &recorder{})
			p := server.connection()
			eager := registered()
			eager.HeartbeatIntervalMS = 1
			p.send(eager)
			expect[wire.Heartbeat](p, wire.TypeHeartbeat)
			<-time.After(time.Millisecond) // the next one is due at the same time
			p.close(wire.CloseSuperseded)
			if err, ok := errors.AsType[*CloseError](d.result()); !ok || err.Code != wire.CloseSuperseded {
				t.Errorf("Run = %v, want close code 4002", err)
			}
		})
	}
}

// TestBackoffOverSessions: each short session doubles the wait, and a healthy one resets it.
func TestBackoffOverSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{}, &recorder{})
		p, _ := server.welcome()
		for _, c := range []struct{ health, wait time.Duration }{
			{0, 500 * time.Millisecond},
			{time.Second, time.Second},
			{59 * time.Second, 2 * time.Second},
			{60 * time.Second, 500 * time.Millisecond},
			{0, time.Second},
		} {
			for began := time.Now(); time.Since(began) < c.health; {
				expect[wire.Heartbeat](p, wire.TypeHeartbeat)
				p.send(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck})
			}
			_ = p.conn.CloseNow()
			lost := time.Now()
			p, _ = server.welcome()
			if waited := time.Since(lost); waited != c.wait {
				t.Errorf("after %v of health: back after %v, want %v", c.health, waited, c.wait)
			}
		}
	})
}

func TestDrainHint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{}, &recorder{})
		p, _ := server.welcome()
		p.send(wire.Drain{Type: wire.TypeDrain, ReconnectAfterMS: 7000})
		p.command(6, stop()) // the server sends commands until the close
		p.applied(6)
		start := time.Now()
		p.close(wire.CloseDrain)
		server.welcome()
		if waited := time.Since(start); waited != 7500*time.Millisecond {
			t.Errorf("back after %v, want the hint of 7 s and the jitter", waited)
		}
	})
}

// TestRefusedForNow: the server answers without a WebSocket, but a retry may succeed.
func TestRefusedForNow(t *testing.T) {
	for _, c := range []struct {
		status     int
		retryAfter string
		wait       time.Duration
	}{
		{503, "7", 7500 * time.Millisecond},
		{429, "2", 2500 * time.Millisecond},
		{500, "", 500 * time.Millisecond},
		{502, "later", 500 * time.Millisecond},
		{200, "", 500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := newFakeServer(t)
			first := make(chan time.Time, 1)
			server.refuse = func(w http.ResponseWriter, _ *http.Request) bool {
				select {
				case first <- time.Now():
					w.Header().Set("Retry-After", c.retryAfter)
					w.WriteHeader(c.status)
					return true
				default:
					return false
				}
			}
			server.drive(Config{}, &recorder{})
			server.welcome()
			if waited := time.Since(<-first); waited != c.wait {
				t.Errorf("%d: back after %v, want %v", c.status, waited, c.wait)
			}
		})
	}
}

func TestRefusedForGood(t *testing.T) {
	for _, status := range []int{400, 401, 403, 404} {
		synctest.Test(t, func(t *testing.T) {
			server := newFakeServer(t)
			server.refuse = func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Content-Type", "application/problem+json")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(`{"type":"urn:swarmcall:problem:a_code","code":"a_code","detail":"the reason"}`))
				return true
			}
			d := server.drive(Config{}, &recorder{})
			want := HandshakeError{Status: status, Code: "a_code", Detail: "the reason"}
			if err, ok := errors.AsType[*HandshakeError](d.result()); !ok || *err != want {
				t.Errorf("%d: Run = %v, want %v", status, err, &want)
			}
		})
	}
}

// strangers are answers of proxies and other servers at the address of a server that restarts.
var strangers = map[string]struct {
	status       int
	header       http.Header
	body, answer string
}{
	"a proxy's page": {
		404, http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Server": {"nginx"}}, "<h1>404</h1>",
		"404 text/html, server: nginx",
	},
	"a sign-in": {401, http.Header{"Content-Type": {"text/plain"}}, "who are you?", "401 text/plain"},
	"a forbidden": {
		403, http.Header{"Content-Type": {"application/json"}}, `{"code":"forbidden"}`,
		"403 application/json",
	},
	"another's problem": {
		400, http.Header{"Content-Type": {"application/problem+json"}}, `{"type":"about:blank","code":"bad"}`,
		"400 application/problem+json",
	},
	"a broken problem": {
		403, http.Header{"Content-Type": {"application/problem+json"}}, `{"type":"urn:swarmcall:prob`,
		"403 application/problem+json",
	},
	"a redirect to itself": {307, http.Header{"Location": {"/drivers/connect"}}, "", "307 to /drivers/connect"},
	"nothing at all":       {410, http.Header{"Content-Type": {""}}, "", "410"},
}

// TestStrangersAreNoRefusal: the driver retries, and logs what answered.
func TestStrangersAreNoRefusal(t *testing.T) {
	for name, c := range strangers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server := newFakeServer(t)
				restarts := time.Now().Add(time.Minute)
				server.refuse = func(w http.ResponseWriter, _ *http.Request) bool {
					if time.Now().After(restarts) {
						return false
					}
					maps.Copy(w.Header(), c.header)
					w.WriteHeader(c.status)
					_, _ = io.WriteString(w, c.body)
					return true
				}
				var log strings.Builder
				server.drive(Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, &recorder{})
				server.welcome()
				synctest.Wait() // the driver logs that it is registered
				if want := "a proxy or another server answered " + c.answer; c.answer != "" &&
					!strings.Contains(log.String(), want) {
					t.Errorf("no %q in\n%s", want, log.String())
				}
			})
		})
	}
}

// TestServerOfAnotherProtocol: another server answers while ours is unavailable, and the driver retries.
func TestServerOfAnotherProtocol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.accept.Subprotocols = nil
		server.drive(Config{}, &recorder{})
		server.connection()
		server.connection()
	})
}

func TestUnreachableServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		_ = server.network.Close()
		d := server.drive(Config{}, &recorder{})
		synctest.Wait()
		d.stop(nil)
		if err := d.result(); err != nil {
			t.Errorf("Run = %v, want nil: ctx ended while it waited to try again", err)
		}
	})
}

// TestViolations: the driver closes with the matching code if the server violates the protocol, and backs off.
func TestViolations(t *testing.T) {
	for _, c := range []struct {
		name  string
		kind  websocket.MessageType
		frame string
		code  websocket.StatusCode
	}{
		{"binary", websocket.MessageBinary, `{"type":"drain"}`, 1003},
		{"no object", websocket.MessageText, `["drain"]`, 1007},
		{"not UTF-8", websocket.MessageText, "{\"type\":\"\xff\"}", 1007},
		{"too big", websocket.MessageText, `{"type":"` + strings.Repeat("x", wire.MaxFrameBytes) + `"}`, 1009},
	} {
		synctest.Test(t, func(t *testing.T) {
			server := newFakeServer(t)
			server.drive(Config{}, &recorder{})
			p, _ := server.welcome()
			start := time.Now()
			_ = p.conn.Write(t.Context(), c.kind, []byte(c.frame)) // the driver may close while the frame is on its way
			if _, code := p.gone(); code != c.code {
				t.Errorf("%s: closed with %d, want %d", c.name, code, c.code)
			}
			server.welcome()
			if waited := time.Since(start); waited != 2500*time.Millisecond {
				t.Errorf("%s: back after %v, want 2.5s", c.name, waited)
			}
		})
	}
}
