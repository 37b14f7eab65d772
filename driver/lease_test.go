package driver

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// outage makes the server refuse connections while it is set.
func (s *fakeServer) outage() *atomic.Bool {
	down := new(atomic.Bool)
	s.refuse = func(w http.ResponseWriter, _ *http.Request) bool {
		if down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		return down.Load()
	}
	return down
}

// timed is a handler that records when each command arrived.
type timed struct {
	recorder
	came chan time.Time
}

func newTimed() *timed { return &timed{came: make(chan time.Time, 100)} }

func (h *timed) Apply(ctx context.Context, c Command) error {
	at := time.Now()
	err := h.recorder.Apply(ctx, c)
	h.came <- at // after the record: a test that receives it may read the record
	return err
}

// TestLeaseLostStops: the server is killed. The driver stops when the lease expires, reports that when the server is
// back, and runs again the load that it had applied before.
func TestLeaseLostStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), newTimed()
		down := server.outage()
		server.drive(Config{}, handler)
		p, first := server.welcome()
		p.command(6, players(100))
		p.applied(6)
		<-handler.came
		if first.LeaseLost {
			t.Error("the first register reports a lost lease")
		}
		expect[wire.Heartbeat](p, wire.TypeHeartbeat)
		p.send(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck})
		synctest.Wait()
		last := time.Now()
		down.Store(true)
		_ = p.conn.CloseNow()
		if waited := receive(t, handler.came, "the stop of the lease").Sub(last); waited != time.Minute {
			t.Errorf("stopped %v after the last word of the server, want 1m0s", waited)
		}
		want := []Command{{Seq: 6, Type: SetPlayers, Players: 100, Deadline: 2 * time.Second},
			{Origin: FromLease, Type: Stop}}
		if got := handler.commands(); !reflect.DeepEqual(got, want) {
			t.Errorf("applied\n%+v\nwant\n%+v", got, want)
		}
		down.Store(false)
		p, again := server.welcome(wire.Desired{Seq: 6, Command: players(100)})
		if !again.LeaseLost || again.AppliedSeq != 6 || *again.State != (wire.State{}) {
			t.Errorf("registers again as %+v, state %+v; want the loss told, applied seq 6, nothing running", again,
				*again.State)
		}
		p.applied(6)
		if got := seqs(handler.commands()); !reflect.DeepEqual(got, []uint64{6, 0, 6}) {
			t.Errorf("applied %v, want 6, the lease's stop, and 6 again", got)
		}
		if h := expect[wire.Heartbeat](p, wire.TypeHeartbeat); h.State.Players != 100 {
			t.Errorf("reports %+v, want the load taken up again", *h.State)
		}
	})
}

func TestLeaseLostHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &recorder{}
		down := server.outage()
		server.drive(Config{}, handler)
		p := server.connection()
		expect[wire.Register](p, wire.TypeRegister)
		hold := registered()
		hold.OnLeaseLost, hold.Desired = "hold", []wire.Desired{{Seq: 6, Command: players(100)}}
		p.send(hold)
		p.applied(6)
		down.Store(true)
		_ = p.conn.CloseNow()
		<-time.After(3 * time.Minute)
		down.Store(false)
		p, again := server.welcome(wire.Desired{Seq: 6, Command: players(100)})
		if !again.LeaseLost || *again.State != (wire.State{Players: 100, Running: true}) {
			t.Errorf("registers again as %+v, state %+v; want the loss told, the load running", again, *again.State)
		}
		p.applied(6)
		if got := seqs(handler.commands()); !reflect.DeepEqual(got, []uint64{6}) {
			t.Errorf("applied %v, want 6 once: it never stopped", got)
		}
	})
}

// TestLeaseLossIsReportedOnce: each register reports the loss until a server has accepted one.
func TestLeaseLossIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		down := server.outage()
		server.drive(Config{}, &recorder{})
		p, _ := server.welcome()
		down.Store(true)
		_ = p.conn.CloseNow()
		<-time.After(2 * time.Minute)
		down.Store(false)
		for range 2 {
			p = server.connection()
			if r := expect[wire.Register](p, wire.TypeRegister); !r.LeaseLost {
				t.Error("the loss is not told, though no server has taken the report")
			}
			p.close(wire.CloseRestart)
		}
		p, r := server.welcome()
		if !r.LeaseLost {
			t.Error("the loss is not told")
		}
		p.close(wire.CloseDrain)
		if _, r = server.welcome(); r.LeaseLost {
			t.Error("the loss is told twice")
		}
	})
}

// TestWhatRenewsTheLease: for four leases the server sends only frames of one kind.
func TestWhatRenewsTheLease(t *testing.T) {
	for _, c := range []struct {
		name   string
		speak  func(*peer)
		renews bool
	}{
		{"pings", func(p *peer) { _ = p.conn.Ping(context.Background()) }, true},
		{"heartbeat_acks", func(p *peer) { p.send(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck}) }, true},
		{"errors", func(p *peer) { p.send(wire.Error{Type: wire.TypeError, Code: "x"}) }, true},
		{"unknown frames", func(p *peer) { p.sendText([]byte(`{"type":"weather"}`)) }, true},
		{"pongs alone", func(*peer) {}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, handler, reasons := newFakeServer(t), &recorder{}, make(chan error, 10)
				server.drive(Config{OnDisconnect: func(err error) { reasons <- err }}, handler)
				p, _ := server.welcome()
				start := time.Now()
				for time.Since(start) < 4*time.Minute {
					<-time.After(15 * time.Second)
					if !c.renews {
						break
					}
					c.speak(p)
				}
				if c.renews {
					synctest.Wait()
					if got := handler.commands(); len(got) > 0 {
						t.Errorf("applied %+v though the server was there", got)
					}
					return
				}
				if _, r := server.welcome(); !r.LeaseLost || time.Since(start) != 60500*time.Millisecond {
					t.Errorf("back after %v, loss told %v; want it to register again for the lost lease",
						time.Since(start), r.LeaseLost)
				}
				if err := receive(t, reasons, "OnDisconnect"); !errors.Is(err, errLeaseLost) {
					t.Errorf("disconnected for %v, want the lost lease", err)
				}
			})
		})
	}
}

// TestSessionsThatAreNotAcceptedRenewNothing: connections that end before registered do not renew the lease.
func TestSessionsThatAreNotAcceptedRenewNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), newTimed()
		server.drive(Config{}, handler)
		p, _ := server.welcome()
		start := time.Now()
		_ = p.conn.CloseNow()
		for len(handler.came) == 0 {
			p = server.connection()
			p.send(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck})
			_ = p.conn.Ping(t.Context())
			p.close(wire.CloseOverloaded)
		}
		if waited := (<-handler.came).Sub(start); waited != time.Minute {
			t.Errorf("stopped after %v, want 1m0s", waited)
		}
	})
}

// TestLeaseLostVoidsWhatWaits: the lease expires while the handler is busy. Then the handler gets the stop, and not the
// commands that wait.
func TestLeaseLostVoidsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &gate{open: make(chan struct{})}
		down := server.outage()
		server.drive(Config{}, handler)
		p, _ := server.welcome()
		p.command(6, players(100)) // held
		p.command(7, players(200)) // waits
		synctest.Wait()
		down.Store(true)
		_ = p.conn.CloseNow()
		<-time.After(2 * time.Minute)
		close(handler.open)
		synctest.Wait()
		if got := seqs(handler.commands()); !reflect.DeepEqual(got, []uint64{6, 0}) {
			t.Errorf("applied %v, want 6 and the lease's stop", got)
		}
		down.Store(false)
		p, r := server.welcome(wire.Desired{Seq: 7, Command: players(200)})
		if r.AppliedSeq != 6 {
			t.Errorf("registers with applied seq %d, want 6: 7 was never begun", r.AppliedSeq)
		}
		p.applied(7)
		if got := handler.commands(); got[len(got)-1].Players != 200 {
			t.Errorf("applied %+v, want 200 players at last", got)
		}
	})
}

// TestLeaseLostAsTheServerComesBack: the lease expires at the instant at which the server accepts the driver. In either
// order, an applied ack of the desired load means that the load runs.
func TestLeaseLostAsTheServerComesBack(t *testing.T) {
	lost := 0
	for range 300 {
		synctest.Test(t, func(t *testing.T) {
			server, handler := newFakeServer(t), &recorder{}
			server.drive(Config{}, handler)
			answer := registered()
			answer.LeaseTTLMS = 5000
			answer.Desired = []wire.Desired{{Seq: 6, Command: players(100)}}
			frame := wire.Encode(answer)
			p := server.connection()
			expect[wire.Register](p, wire.TypeRegister)
			p.sendText(frame)
			start := time.Now()
			p.applied(6)
			_ = p.conn.CloseNow()
			p = server.connection()
			expect[wire.Register](p, wire.TypeRegister)
			<-time.After(time.Until(start.Add(5 * time.Second)))
			p.sendText(frame)
			p.applied(6)
			synctest.Wait()
			got := handler.commands()
			if last := got[len(got)-1]; last.Players != 100 {
				t.Errorf("applied %+v, want 100 players at last", got)
			}
			lost += len(got) / 3
		})
	}
	t.Logf("of 300 races the lease was lost in %d", lost)
}

// TestLeaseLostAfterTheRegister: the lease is lost between register and registered, so the next register reports it.
func TestLeaseLostAfterTheRegister(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{}, &recorder{})
		short := registered()
		short.LeaseTTLMS = 5000
		p := server.connection()
		expect[wire.Register](p, wire.TypeRegister)
		p.send(short)
		synctest.Wait()
		_ = p.conn.CloseNow()
		p = server.connection()
		if r := expect[wire.Register](p, wire.TypeRegister); r.LeaseLost {
			t.Error("the loss is told before it happened")
		}
		<-time.After(6 * time.Second)
		p.send(short)
		synctest.Wait()
		p.close(wire.CloseDrain)
		if _, r := server.welcome(); !r.LeaseLost {
			t.Error("the loss is not told")
		}
	})
}

// TestLeaseLostAndTheHandlerFails: the driver continues, and the handler gets the desired load again.
func TestLeaseLostAndTheHandlerFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, applied := newFakeServer(t), make(chan Command, 10)
		down := server.outage()
		server.drive(Config{}, HandlerFunc(func(_ context.Context, c Command) error {
			applied <- c
			if c.Origin == FromLease {
				panic("the brake is broken")
			}
			return nil
		}))
		p, _ := server.welcome(wire.Desired{Seq: 6, Command: players(100)})
		p.applied(6)
		down.Store(true)
		_ = p.conn.CloseNow()
		<-time.After(2 * time.Minute)
		down.Store(false)
		p, r := server.welcome(wire.Desired{Seq: 6, Command: players(100)})
		p.applied(6)
		if len(applied) != 3 || r.State.Players != 100 {
			t.Errorf("applied %d commands, reported %+v; want 3, and the load that was not stopped", len(applied),
				*r.State)
		}
	})
}

// TestOwnSilenceIsNotTheServers: the driver reads nothing until OnConnect returns, and that time does not count as
// silence of the server.
func TestOwnSilenceIsNotTheServers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), newTimed()
		var once sync.Once
		server.drive(Config{OnConnect: func(Session) { once.Do(func() { <-time.After(5 * time.Minute) }) }}, handler)
		server.welcome()
		start := time.Now()
		if waited := receive(t, handler.came, "the stop of the lease").Sub(start); waited != 6*time.Minute {
			t.Errorf("stopped after %v, want 5 min of our own silence and 1 min of the server's", waited)
		}
		server.welcome()
	})
}

func TestNoLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &recorder{}
		down := server.outage()
		server.drive(Config{}, handler)
		p := server.connection()
		none := registered()
		none.LeaseTTLMS = 0
		p.send(none)
		synctest.Wait()
		down.Store(true)
		_ = p.conn.CloseNow()
		<-time.After(time.Hour)
		down.Store(false)
		if _, r := server.welcome(); r.LeaseLost || len(handler.commands()) > 0 {
			t.Errorf("loss told %v, applied %+v; want neither", r.LeaseLost, handler.commands())
		}
	})
}
