package driver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// twoServers returns two servers, and the Config of a driver that reaches them as http://a and http://b.
func twoServers(t *testing.T) (a, b *fakeServer, cfg Config) {
	a, b = newFakeServer(t), newFakeServer(t)
	dial := func(ctx context.Context, network, addr string) (net.Conn, error) {
		to := map[string]*fakeServer{"a:80": a, "b:80": b}[addr]
		return to.network.Dial(ctx, network, addr)
	}
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(transport.CloseIdleConnections)
	return a, b, Config{URL: "http://a, http://b", HTTPClient: &http.Client{Transport: transport}}
}

// unavailable makes s answer 503 for d.
func (s *fakeServer) unavailable(d time.Duration, retryAfter string) {
	end := time.Now().Add(d)
	s.refuse = func(w http.ResponseWriter, _ *http.Request) bool {
		if !time.Now().Before(end) {
			return false
		}
		w.Header().Set("Retry-After", retryAfter)
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	}
}

// TestNextServer: whatever ends a session, the next attempt goes to the other server after the usual short pause. Only
// a drain says how long to wait before any server is asked.
func TestNextServer(t *testing.T) {
	lost := func(p *peer) { _ = p.conn.CloseNow() }
	closed := func(code wire.CloseCode) func(*peer) { return func(p *peer) { p.close(code) } }
	for name, c := range map[string]struct {
		end  func(*peer)
		wait time.Duration
	}{
		"lost":         {lost, 500 * time.Millisecond},
		"late":         {closed(wire.CloseLate), 500 * time.Millisecond},
		"restarts":     {closed(wire.CloseRestart), 500 * time.Millisecond},
		"overloaded":   {closed(wire.CloseOverloaded), 500 * time.Millisecond},
		"is drained":   {closed(wire.CloseDrain), 500 * time.Millisecond},
		"drain, later": {drainAfter(7 * time.Second), 7500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b, cfg := twoServers(t)
				sessions := make(chan Session, 2)
				cfg.OnConnect = func(s Session) { sessions <- s }
				a.drive(cfg, &recorder{})
				p, _ := a.welcome()
				start := time.Now()
				c.end(p)
				b.welcome()
				if waited := time.Since(start); waited != c.wait {
					t.Errorf("back after %v, want %v", waited, c.wait)
				}
				for _, want := range []string{"http://a", "http://b"} {
					if got := receive(t, sessions, "OnConnect").URL; got != want {
						t.Errorf("the session is with %s, want %s", got, want)
					}
				}
			})
		})
	}
}

func drainAfter(d time.Duration) func(*peer) {
	return func(p *peer) {
		p.send(wire.Drain{Type: wire.TypeDrain, ReconnectAfterMS: d.Milliseconds()})
		p.close(wire.CloseDrain)
	}
}

// TestProgressMovesWithTheDriver: the other server learns what the driver has applied.
func TestProgressMovesWithTheDriver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, cfg := twoServers(t)
		a.drive(cfg, &recorder{})
		p, first := a.welcome()
		p.command(6, players(3))
		p.applied(6)
		_ = p.conn.CloseNow()
		if _, r := b.welcome(); r.AppliedSeq != 6 || r.LogID != "a.1" || r.Instance != first.Instance || r.LeaseLost {
			t.Errorf("registered with %+v", r)
		}
	})
}

// TestBackoffPerRound: the wait grows when each server has failed once more.
func TestBackoffPerRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, cfg := twoServers(t)
		asked := make(chan string, 100)
		for name, s := range map[string]*fakeServer{"a": a, "b": b} {
			s.refuse = func(w http.ResponseWriter, _ *http.Request) bool {
				asked <- name
				w.WriteHeader(http.StatusBadGateway)
				return true
			}
		}
		a.drive(cfg, &recorder{})
		start := time.Now()
		for i, want := range []time.Duration{0, 500, 1000, 2000, 3000, 5000, 7000} {
			name := receive(t, asked, "an attempt")
			if waited := time.Since(start); waited != want*time.Millisecond || name != []string{"a", "b"}[i%2] {
				t.Errorf("attempt %d goes to %s after %v, want %v", i, name, waited, want*time.Millisecond)
			}
		}
	})
}

// TestRetryAfterIsOfOneServer: one that asks to be left alone is passed over until then, and does not delay the other.
func TestRetryAfterIsOfOneServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b, cfg := twoServers(t)
		a.unavailable(time.Hour, "60")
		b.unavailable(2*time.Second, "3")
		start := time.Now()
		a.drive(cfg, &recorder{})
		b.welcome()
		if waited := time.Since(start); waited != 4*time.Second { // 0.5 s to b, and back there after 3 s and 0.5 s
			t.Errorf("registered after %v", waited)
		}
	})
}

func TestServersHeldAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := servers{all: make([]server, 3)}
		for _, c := range []struct {
			hold, wait time.Duration
			at         int
		}{
			{5 * time.Second, 0, 1},
			{0, 0, 2},
			{0, 0, 1}, // 0 is held
			{8 * time.Second, 0, 2},
			{9 * time.Second, 5 * time.Second, 0},
		} {
			if wait := s.next(c.hold); wait != c.wait || s.at != c.at {
				t.Errorf("waits %v for %d, want %v for %d", wait, s.at, c.wait, c.at)
			}
		}
	})
}

// TestTheServerIsNamed: with several servers the log and the error of Run say which one it is about; with one they are
// silent about it.
func TestTheServerIsNamed(t *testing.T) {
	for _, several := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			var log lockedLog
			a, b, cfg := twoServers(t)
			if !several {
				cfg.URL = "http://a"
				b = a
			}
			cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
			d := a.drive(cfg, &recorder{})
			p, _ := a.welcome()
			p.close(wire.CloseDrain)
			p, _ = b.welcome()
			p.close(wire.CloseSuperseded)
			err := d.result()
			if closed, ok := errors.AsType[*CloseError](err); !ok || closed.Code != wire.CloseSuperseded {
				t.Errorf("Run = %v", err)
			}
			if strings.Contains(fmt.Sprint(err), "http://b") != several {
				t.Errorf("Run = %v", err)
			}
			for _, want := range []string{"msg=connected driver_id=d-1 url=http://a", "url=http://a next=http://b error=",
				`msg="giving up" driver_id=d-1 url=http://b`} {
				if strings.Contains(log.String(), want) != several {
					t.Errorf("%q in the log: %v\n%s", want, !several, log.String())
				}
			}
			if !several && strings.Contains(log.String(), "url=") {
				t.Errorf("%s", log.String())
			}
		})
	}
}

type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestFleetSpreads: drivers with the same list do not all begin with the first server.
func TestFleetSpreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const drivers, least = 50, 5 // fewer than 5 of 50 on one server: once in 10^9 runs
		a, b, cfg := twoServers(t)
		ctx, leave := context.WithCancel(context.Background())
		var fleet sync.WaitGroup
		for i := range drivers {
			mine := cfg
			mine.DriverID = fmt.Sprintf("d-%d", i)
			fleet.Go(func() {
				if err := Run(ctx, mine, &recorder{}); err != nil {
					t.Error(err)
				}
			})
		}
		on := map[string]int{}
		for range drivers {
			select {
			case p := <-a.peers:
				on["a"]++
				expect[wire.Register](p, wire.TypeRegister)
			case p := <-b.peers:
				on["b"]++
				expect[wire.Register](p, wire.TypeRegister)
			}
		}
		leave()
		fleet.Wait()
		if on["a"] < least || on["b"] < least {
			t.Errorf("drivers on each server: %v", on)
		}
	})
}

func TestListsOfServers(t *testing.T) {
	for list, want := range map[string]string{
		"http://a,":               "Config.URL: \"http://a,\": URL 2 of 2 is empty; remove a comma",
		"http://a,http://a/":      "is listed twice",
		"http://a,wss://b":        "http and wss are mixed",
		"http://a,ftp://b":        "are mixed",
		"http://a,b:8080":         `Config.URL: "b:8080" must have the form`,
		"http://a,http://":        "must have the form",
		"ftp://u:s3cret@a,ftp://": `Config.URL: "ftp://u:xxxxx@a" must have the form`,
	} {
		_, err := newClient(Config{URL: list, DriverID: "d"}, &recorder{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v, want %s", list, err, want)
		}
	}
	c, err := newClient(Config{URL: "wss://u:s3cret@a/x/ , wss://b/drivers/connect", DriverID: "d"}, &recorder{})
	if err != nil {
		t.Fatal(err)
	}
	want := []server{
		{url: "wss://u:s3cret@a/x/drivers/connect", name: "wss://u:xxxxx@a/x/"},
		{url: "wss://b/drivers/connect", name: "wss://b/drivers/connect"},
	}
	if got := c.servers.all; len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%+v", got)
	}
}

// TestTokenToEachServer: one server on another machine without encryption is enough to refuse the token.
func TestTokenToEachServer(t *testing.T) {
	cfg := Config{URL: "http://127.0.0.1:1,http://192.0.2.1", DriverID: "d", TokenFile: "/none"}
	_, err := newClient(cfg, &recorder{})
	if !errors.Is(err, ErrInsecureToken) || !strings.Contains(err.Error(), "leads to http://192.0.2.1;") {
		t.Errorf("%v", err)
	}
	cfg.InsecureToken = true
	if _, err := newClient(cfg, &recorder{}); err != nil {
		t.Error(err)
	}
}
