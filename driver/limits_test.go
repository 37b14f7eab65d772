package driver

import (
	"context"
	"reflect"
	"testing"
	"testing/synctest"

	"github.com/swarmcall/swarmcall/driver/wire"
)

func TestMaxPlayers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &recorder{}
		server.drive(Config{MaxPlayers: 50}, handler)
		p, _ := server.welcome(wire.Desired{Seq: 3, Command: players(51)})
		p.rejected(3, "over_local_limit", "this driver accepts at most 50 players")
		p.command(4, players(50))
		p.applied(4)
		p.command(5, players(1_000_000_000))
		p.rejected(5, "over_local_limit", "this driver accepts at most 50 players")
		p.command(6, delay(1000))
		p.applied(6)
		if got := seqs(handler.commands()); !reflect.DeepEqual(got, []uint64{4, 6}) {
			t.Errorf("applied %v, want 4 and 6", got)
		}
		if h := expect[wire.Heartbeat](p, wire.TypeHeartbeat); h.State.Players != 50 {
			t.Errorf("reports %+v, want 50 players: the refused command changed nothing", *h.State)
		}
	})
}

// TestLocalStop: no command of the server overrides it, and the driver's report is correct at each step.
func TestLocalStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler, brake := newFakeServer(t), &recorder{}, new(LocalStop)
		server.drive(Config{LocalStop: brake}, handler)
		p, _ := server.welcome()
		p.command(6, players(100))
		p.applied(6)
		brake.Engage()
		brake.Engage()
		synctest.Wait()
		if got := handler.commands(); len(got) != 2 || got[1] != (Command{Origin: FromLocalStop, Type: Stop}) {
			t.Errorf("applied %+v, want one local stop after the command", got)
		}
		p.command(7, players(200))
		p.rejected(7, "stopped_locally", "this driver is stopped locally, on its own machine")
		p.command(8, delay(20))
		p.applied(8)
		p.command(9, players(0))
		p.applied(9)
		p.command(10, stop())
		p.applied(10)
		if h := expect[wire.Heartbeat](p, wire.TypeHeartbeat); *h.State != (wire.State{SpawnDelayMS: 20}) ||
			h.AppliedSeq != 10 {
			t.Errorf("reports %+v %+v, want nothing running, applied seq 10", h, *h.State)
		}
		brake.Release()
		p.command(11, players(50))
		p.applied(11)
	})
}

// TestLocalStopOutlivesTheConnection: engaged while disconnected, it holds after the reconnect. Once it is released,
// the next register applies the desired load, even if that was applied before or rejected because of the stop.
func TestLocalStopOutlivesTheConnection(t *testing.T) {
	for name, before := range map[string]bool{"applied before": true, "never seen before": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				server, handler, brake := newFakeServer(t), &recorder{}, new(LocalStop)
				server.drive(Config{LocalStop: brake}, handler)
				desired := wire.Desired{Seq: 6, Command: players(100)}
				p, _ := server.welcome()
				if before {
					p.command(6, players(100))
					p.applied(6)
				}
				_ = p.conn.CloseNow()
				brake.Engage()
				p, r := server.welcome(desired)
				if r.State.Players != 0 || r.State.Running {
					t.Errorf("registers with %+v, want nothing running", *r.State)
				}
				p.rejected(6, "stopped_locally", "this driver is stopped locally, on its own machine")
				p.close(wire.CloseDrain)
				brake.Release()
				p, _ = server.welcome(desired)
				p.applied(6)
				if got := handler.commands(); got[len(got)-1].Players != 100 {
					t.Errorf("applied %+v, want the desired load at last", got)
				}
			})
		})
	}
}

// TestLocalStopGoesBeforeWhatWaits: the handler is busy, and gets the local stop before the commands that wait.
func TestLocalStopGoesBeforeWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler, brake := newFakeServer(t), &gate{open: make(chan struct{})}, new(LocalStop)
		server.drive(Config{LocalStop: brake, Capabilities: []CommandType{SetPlayers}}, handler)
		p, _ := server.welcome()
		p.command(6, players(100))
		p.command(7, players(200))
		synctest.Wait()
		brake.Engage()
		close(handler.open)
		p.applied(6)
		p.rejected(7, "stopped_locally", "this driver is stopped locally, on its own machine")
		if got := handler.commands(); len(got) != 2 || got[1].Origin != FromLocalStop {
			t.Errorf("applied %+v, want 6 and the local stop, though stop is none of the capabilities", got)
		}
	})
}

func TestLocalStopOfSeveralDrivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, brake, stopped := newFakeServer(t), new(LocalStop), make(chan string, 10)
		for _, id := range []string{"d-1", "d-2"} {
			server.drive(Config{DriverID: id, LocalStop: brake}, HandlerFunc(func(_ context.Context, c Command) error {
				if c.Origin == FromLocalStop {
					stopped <- id
				}
				return nil
			}))
			server.welcome()
		}
		brake.Engage()
		if a, b := receive(t, stopped, "a stop"), receive(t, stopped, "a stop"); a == b {
			t.Errorf("%s was stopped twice, the other not", a)
		}
		if !brake.Engaged() || (*LocalStop)(nil).Engaged() {
			t.Error("engaged is not what it is")
		}
	})
}

func TestLocalStopForgetsDriversThatAreDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, brake := newFakeServer(t), new(LocalStop)
		d := server.drive(Config{LocalStop: brake}, &recorder{})
		server.welcome()
		d.stop(nil)
		if err := d.result(); err != nil {
			t.Error(err)
		}
		if len(brake.workers) > 0 {
			t.Error("a driver that is done is still known")
		}
		brake.Engage()
	})
}
