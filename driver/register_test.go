package driver

import (
	"errors"
	"net/http"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

func TestRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{
			DriverID: "d-1", Labels: map[string]string{"region": "eu"}, Capabilities: []CommandType{Stop, SetPlayers},
			Version: "1.4.0",
			State:   func() State { return State{Players: 80, SpawnDelayMS: 20, Running: true} },
			Header:  http.Header{"Authorization": {"Bearer secret"}},
		}, &recorder{})
		p, got := server.welcome()
		if path := p.request.URL.Path; path != "/drivers/connect" {
			t.Errorf("connects to %s", path)
		}
		if h := p.request.Header.Get("Authorization"); h != "Bearer secret" {
			t.Errorf("Authorization %q", h)
		}
		if h := p.request.Header.Get("Sec-WebSocket-Protocol"); h != wire.Subprotocol {
			t.Errorf("subprotocols %q", h)
		}
		if len(got.Instance) < 16 {
			t.Errorf("instance %q can be guessed", got.Instance)
		}
		want := wire.Register{
			Type: wire.TypeRegister, DriverID: "d-1", Labels: map[string]string{"region": "eu"}, Capabilities: []string{
				"stop", "set_players",
			},
			Version: "1.4.0", Instance: got.Instance, State: &wire.State{Players: 80, SpawnDelayMS: 20, Running: true},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("register\n%+v\nwant\n%+v", got, want)
		}
	})
}

// TestRegisterAgain checks the register after a reconnect: the same instance, the applied seq, and the state.
func TestRegisterAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{}, &recorder{})
		p, first := server.welcome()
		p.command(6, players(80))
		p.applied(6)
		p.command(7, delay(20))
		p.applied(7)
		p.close(wire.CloseDrain)

		_, got := server.welcome()
		want := wire.Register{
			Type: wire.TypeRegister, DriverID: "d-1", Instance: first.Instance, LogID: "a.1", AppliedSeq: 7,
			State: &wire.State{Players: 80, SpawnDelayMS: 20, Running: true},
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("register\n%+v\nwant\n%+v", got, want)
		}
	})
}

func TestHooksComeInPairs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		sessions, reasons := make(chan Session, 10), make(chan error, 10)
		d := server.drive(Config{
			OnConnect:    func(s Session) { sessions <- s },
			OnDisconnect: func(err error) { reasons <- err },
		}, &recorder{})

		p := server.connection() // never accepted: no hook
		expect[wire.Register](p, wire.TypeRegister)
		p.close(wire.CloseDrain)

		p, _ = server.welcome()
		want := Session{
			ID: "s-1", URL: "http://swarmcall.test", LogID: "a.1", HeartbeatInterval: time.Second, LeaseTTL: time.Minute,
			OnLeaseLost: "stop",
		}
		if got := receive(t, sessions, "OnConnect"); got != want {
			t.Errorf("session %+v, want %+v", got, want)
		}
		p.close(wire.CloseRestart)
		if err, ok := errors.AsType[*CloseError](receive(t, reasons, "OnDisconnect")); !ok ||
			err.Code != wire.CloseRestart {
			t.Errorf("disconnected for %v, want close code 1012", err)
		}

		server.welcome()
		receive(t, sessions, "OnConnect")
		d.stop(nil)
		if err := d.result(); err != nil {
			t.Error(err)
		}
		if err := receive(t, reasons, "OnDisconnect"); err != nil {
			t.Errorf("disconnected for %v, want nil: the driver wanted it", err)
		}
		if len(sessions)+len(reasons) > 0 {
			t.Error("a hook was called once more")
		}
	})
}

func TestNotRegisteredInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{}, &recorder{})
		p := server.connection()
		expect[wire.Register](p, wire.TypeRegister)
		start := time.Now()
		p.gone()
		if waited := time.Since(start); waited != registeredTimeout {
			t.Errorf("gave the server %v to answer, want %v", waited, registeredTimeout)
		}
		server.welcome()
	})
}

func TestSecondRegisteredIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{}, &recorder{})
		p, _ := server.welcome()
		p.command(1, stop())
		p.applied(1)
		other := registered()
		other.LogID = "b.1"
		p.send(other)
		p.command(1, stop())
		p.applied(1)
		if h := expect[wire.Heartbeat](p, wire.TypeHeartbeat); h.AppliedSeq != 1 {
			t.Errorf("applied seq %d, want 1: the log was not changed", h.AppliedSeq)
		}
	})
}
