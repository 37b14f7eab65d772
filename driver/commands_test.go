package driver

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

func TestCommandsComeInOrderAndAreAcked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &recorder{}
		server.drive(Config{}, handler)
		p, _ := server.welcome()
		note := players(100)
		note.Note = "nightly"
		p.command(6, note)
		p.command(8, delay(20))
		p.command(9, stop())
		for _, seq := range []uint64{6, 8, 9} {
			p.applied(seq)
		}
		want := []Command{
			{Seq: 6, Type: SetPlayers, Players: 100, Note: "nightly", Deadline: 2 * time.Second},
			{Seq: 8, Type: SetSpawnDelay, SpawnDelayMS: 20, Deadline: 2 * time.Second},
			{Seq: 9, Type: Stop, Deadline: 2 * time.Second},
		}
		if got := handler.commands(); !reflect.DeepEqual(got, want) {
			t.Errorf("applied\n%+v\nwant\n%+v", got, want)
		}
	})
}

// TestTraceparent: the handler gets the trace of a command; a desired command has none.
func TestTraceparent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		server, handler := newFakeServer(t), &recorder{}
		server.drive(Config{}, handler)
		p, _ := server.welcome(wire.Desired{Seq: 5, Command: players(1)})
		p.applied(5)
		p.send(wire.CommandFrame{
			Type: wire.TypeCommand, Seq: 6, Command: stop(), DeadlineMS: 2000, Traceparent: parent,
		})
		p.applied(6)
		want := []Command{
			{Seq: 5, Type: SetPlayers, Players: 1, Desired: true},
			{Seq: 6, Type: Stop, Deadline: 2 * time.Second, Traceparent: parent},
		}
		if got := handler.commands(); !reflect.DeepEqual(got, want) {
			t.Errorf("applied\n%+v\nwant\n%+v", got, want)
		}
	})
}

func TestRejections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{Capabilities: []CommandType{SetPlayers, Stop}},
			HandlerFunc(func(_ context.Context, c Command) error {
				switch c.Seq {
				case 1:
					return Reject("too_many_players", "at most 50")
				case 2:
					return errors.New("no fuel")
				case 3:
					panic("tank is empty")
				}
				return nil
			}))
		p, _ := server.welcome()
		for seq := uint64(1); seq <= 3; seq++ {
			p.command(seq, players(100))
		}
		p.rejected(1, "too_many_players", "at most 50")
		p.rejected(2, "apply_failed", "no fuel")
		p.rejected(3, "handler_panic", "tank is empty")
		p.command(4, delay(20))
		p.rejected(4, "unsupported_command", `this driver does not support "set_spawn_delay_ms"`)
		p.command(5, wire.Command{Type: "set_pace"})
		p.rejected(5, "unsupported_command", `this driver does not support "set_pace"`)
		p.command(6, wire.Command{Type: "set_players"})
		p.rejected(6, "invalid_command", "set_players needs a value of 0 or more")
		p.command(7, stop())
		p.applied(7)
		if h := expect[wire.Heartbeat](p, wire.TypeHeartbeat); h.AppliedSeq != 7 || *h.State != (wire.State{}) {
			t.Errorf("heartbeat %+v, want applied seq 7, and nothing of what was rejected in the state", h)
		}
		p.command(1, players(100))
		p.rejected(1, "too_many_players", "at most 50")
	})
}

func TestHandlerSeesARejectionCountAsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := newFakeServer(t)
		server.drive(Config{}, HandlerFunc(func(context.Context, Command) error { return Reject("full", "no room") }))
		p, _ := server.welcome()
		p.command(6, players(100))
		p.rejected(6, "full", "no room")
		p.close(wire.CloseDrain)
		p, r := server.welcome(wire.Desired{Seq: 6, Command: players(100)})
		if r.AppliedSeq != 6 {
			t.Errorf("registers with applied seq %d, want 6", r.AppliedSeq)
		}
		p.rejected(6, "full", "no room")
	})
}

func TestDuplicatesAreAckedNotApplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &recorder{}
		server.drive(Config{}, handler)
		p, _ := server.welcome()
		for _, seq := range []uint64{6, 7, 7, 6, 5, 8} {
			p.command(seq, players(int64(seq)))
			p.applied(seq)
		}
		if got := seqs(handler.commands()); !reflect.DeepEqual(got, []uint64{6, 7, 8}) {
			t.Errorf("applied %v, want 6, 7, 8 once each", got)
		}
	})
}

func seqs(commands []Command) (out []uint64) {
	for _, c := range commands {
		out = append(out, c.Seq)
	}
	return out
}

// TestDesired tries each kind of desired command that a driver may get when it reconnects.
func TestDesired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &recorder{}
		server.drive(Config{}, handler)
		p, _ := server.welcome(wire.Desired{Seq: 4, Command: delay(20)}, wire.Desired{Seq: 6, Command: players(100)})
		p.applied(4)
		p.applied(6)
		if c := handler.commands()[1]; !c.Desired || c.Deadline != 0 || c.Players != 100 {
			t.Errorf("applied %+v, want it marked as desired, without deadline", c)
		}
		p.command(9, stop())
		p.applied(9)

		for _, step := range []struct {
			name    string
			desired wire.Desired
			applied bool
		}{
			{"what it does already", wire.Desired{Seq: 9, Command: stop()}, false},
			{"what its other slot holds", wire.Desired{Seq: 4, Command: delay(20)}, false},
			{"an older one, since labels changed", wire.Desired{Seq: 6, Command: players(100)}, true},
			{"the same once more", wire.Desired{Seq: 6, Command: players(100)}, false},
			{"one it never saw, below applied seq", wire.Desired{Seq: 8, Command: players(80)}, true},
			{"a newer one", wire.Desired{Seq: 12, Command: stop()}, true},
		} {
			p.close(wire.CloseDrain)
			before := len(handler.commands())
			p, _ = server.welcome(step.desired)
			p.applied(step.desired.Seq)
			if applied := len(handler.commands()) > before; applied != step.applied {
				t.Errorf("%s: applied %v, want %v", step.name, applied, step.applied)
			}
		}
	})
}

func TestAnotherLogIsANewBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &recorder{}
		server.drive(Config{}, handler)
		p, _ := server.welcome()
		p.command(6, players(100))
		p.applied(6)
		p.close(wire.CloseDrain)

		p = server.connection()
		if r := expect[wire.Register](p, wire.TypeRegister); r.LogID != "a.1" || r.AppliedSeq != 6 {
			t.Errorf("registers with %s %d, want what it knows: a.1 6", r.LogID, r.AppliedSeq)
		}
		other := registered()
		other.LogID, other.Desired = "a.2", []wire.Desired{{Seq: 2, Command: stop()}}
		p.send(other)
		p.applied(2)
		p.command(6, players(50))
		p.applied(6)
		if got := seqs(handler.commands()); !reflect.DeepEqual(got, []uint64{6, 2, 6}) {
			t.Errorf("applied %v, want 6 of the one log, 2 and 6 of the other", got)
		}
	})
}

// gate is a handler that records each command, and returns only after open is closed.
type gate struct {
	recorder
	open chan struct{}
}

func (g *gate) Apply(ctx context.Context, c Command) error {
	_ = g.recorder.Apply(ctx, c)
	<-g.open
	return nil
}

// TestReceivedIsAppliedThoughTheConnectionWasLost: received commands are applied, above all a Stop. Their answers are
// sent only on the session that they came from. At the next register the driver recognizes what it has already applied.
func TestReceivedIsAppliedThoughTheConnectionWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &gate{open: make(chan struct{})}
		server.drive(Config{}, handler)
		p, _ := server.welcome()
		p.command(6, players(100))
		p.command(7, stop())
		synctest.Wait()
		_ = p.conn.CloseNow()

		p, _ = server.welcome(wire.Desired{Seq: 7, Command: stop()})
		p.command(8, delay(20))
		synctest.Wait()
		if got := seqs(handler.commands()); !reflect.DeepEqual(got, []uint64{6}) {
			t.Errorf("began %v while the first command is held, want 6 alone", got)
		}
		close(handler.open)
		p.applied(7)
		p.applied(8)
		if got := seqs(handler.commands()); !reflect.DeepEqual(got, []uint64{6, 7, 8}) {
			t.Errorf("applied %v, want 6, 7, 8", got)
		}
	})
}

func TestWaitingCommandsOfAnotherLogAreDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &gate{open: make(chan struct{})}
		server.drive(Config{}, handler)
		p, _ := server.welcome()
		p.command(6, players(100)) // held
		p.command(7, players(200)) // waits
		synctest.Wait()
		_ = p.conn.CloseNow()

		p = server.connection()
		expect[wire.Register](p, wire.TypeRegister)
		other := registered()
		other.LogID, other.Desired = "b.1", []wire.Desired{{Seq: 3, Command: stop()}}
		p.send(other)
		synctest.Wait()
		close(handler.open)
		p.applied(3)
		if got := seqs(handler.commands()); !reflect.DeepEqual(got, []uint64{6, 3}) {
			t.Errorf("applied %v, want 6 and 3: 7 belongs to a log that is gone", got)
		}
		if h := expect[wire.Heartbeat](p, wire.TypeHeartbeat); h.AppliedSeq != 3 {
			t.Errorf("applied seq %d, want 3: 6 was a seq of another log", h.AppliedSeq)
		}
	})
}

// TestBackPressure floods a driver whose handler is stuck: it stops reading, forgets nothing and stays connected.
func TestBackPressure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &gate{open: make(chan struct{})}
		server.drive(Config{}, handler)
		p, _ := server.welcome()
		const flood = 2000
		sent := make(chan uint64, flood)
		go func() {
			for seq := uint64(1); seq <= flood; seq++ {
				p.command(seq, players(int64(seq)))
				sent <- seq
			}
		}()
		synctest.Wait()
		if want := remembered + 2; len(sent) != want { // one is being applied, one is held by the reader
			t.Errorf("took %d commands while the handler is stuck, want %d", len(sent), want)
		}
		for range 180 { // three leases: the driver reads nothing, so the lease does not expire
			expect[wire.Heartbeat](p, wire.TypeHeartbeat)
		}
		close(handler.open)
		for seq := uint64(1); seq <= flood; seq++ {
			p.applied(seq)
		}
		if got := len(handler.commands()); got != flood {
			t.Errorf("applied %d commands, want %d", got, flood)
		}
	})
}

func TestFramesOfNoUseAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server, handler := newFakeServer(t), &recorder{}
		server.drive(Config{}, handler)
		p := server.connection()
		expect[wire.Register](p, wire.TypeRegister)
		p.command(1, players(1)) // before registered, so its log is unknown
		p.send(registered())
		for _, s := range []string{
			`{"type":"weather","sun":true}`,
			`{}`,
			`{"type":7}`,
			`{"type":"command","command":{"type":"stop"}}`,
			`{"type":"command","seq":"3","command":{"type":"stop"}}`,
			`{"type":"command","seq":3,"seq":4,"command":{"type":"stop"}}`,
			`{"type":"error","code":"unknown_type","detail":"` + strings.Repeat("x", 1000) + `"}`,
			`{"type":"heartbeat_ack","heartbeat_interval_ms":-5}`,
		} {
			p.sendText([]byte(s))
		}
		p.command(2, players(2))
		p.applied(2)
		if got := seqs(handler.commands()); !reflect.DeepEqual(got, []uint64{2}) {
			t.Errorf("applied %v, want 2 alone", got)
		}
	})
}
