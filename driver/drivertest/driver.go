package drivertest

import (
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver/internal/script"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// Driver is one connection of a driver, from the server's side. Use it from one goroutine.
type Driver struct {
	Register wire.Register // the frame that it registered with

	t        testing.TB
	server   *Server
	conn     *script.Conn
	patience time.Duration
	acks     chan wire.CommandAck
	beats    chan wire.Heartbeat
	left     chan wire.Deregister
}

// read sorts the driver's frames by type, and answers heartbeats.
func (d *Driver) read() {
	defer close(d.left)
	defer close(d.beats)
	defer close(d.acks)
	for f := range d.conn.Frames {
		switch f.Type {
		case wire.TypeHeartbeat:
			deliver(d, f, d.beats)
			_ = d.conn.Send(wire.HeartbeatAck{Type: wire.TypeHeartbeatAck})
		case wire.TypeCommandAck:
			deliver(d, f, d.acks)
		case wire.TypeDeregister:
			deliver(d, f, d.left)
			go d.conn.Close(wire.CloseDone) // Close waits for this goroutine to read on; ends with the connection
		default:
			d.t.Errorf("drivertest: the driver sent %s (%v)", f.Body, f.Problem)
		}
	}
}

func deliver[T any](d *Driver, f script.Frame, to chan<- T) {
	var v T
	if err := f.Decode(&v); err != nil {
		d.t.Errorf("drivertest: the driver sent %s: %v", f.Body, err)
		return
	}
	select {
	case to <- v:
	default: // the buffer is full: the test has not read for very long
	}
}

// SetPlayers sends the command and waits for its ack.
func (d *Driver) SetPlayers(n int64) Ack {
	d.t.Helper()
	return d.Ack(d.Send(wire.Command{Type: "set_players", Players: &n}))
}

// SetSpawnDelay sends the command and waits for its ack.
func (d *Driver) SetSpawnDelay(delay time.Duration) Ack {
	d.t.Helper()
	ms := delay.Milliseconds()
	return d.Ack(d.Send(wire.Command{Type: "set_spawn_delay_ms", SpawnDelayMS: &ms}))
}

// Stop sends the command and waits for its ack.
func (d *Driver) Stop() Ack {
	d.t.Helper()
	return d.Ack(d.Send(wire.Command{Type: "stop"}))
}

// Send sends a command and returns its seq.
func (d *Driver) Send(c wire.Command) (seq uint64) {
	d.t.Helper()
	seq = d.server.next()
	d.Resend(seq, c)
	return seq
}

// Resend sends a command with the given seq, such as one that was sent before.
func (d *Driver) Resend(seq uint64, c wire.Command) {
	d.t.Helper()
	d.send(wire.CommandFrame{Type: wire.TypeCommand, Seq: seq, Command: c, DeadlineMS: 2000})
}

// Ack waits for the next ack, which must be for seq.
func (d *Driver) Ack(seq uint64) Ack {
	d.t.Helper()
	a := receive(d, d.acks, "an ack")
	if a.Seq != seq {
		d.t.Errorf("drivertest: an ack of seq %d, want %d", a.Seq, seq)
	}
	return Ack{a}
}

// Heartbeat returns the oldest unread heartbeat, and waits for one if there is none.
func (d *Driver) Heartbeat() wire.Heartbeat {
	d.t.Helper()
	return receive(d, d.beats, "a heartbeat")
}

// WantPlayers waits until a heartbeat reports n players.
func (d *Driver) WantPlayers(n int64) {
	d.t.Helper()
	last := "nothing"
	for deadline := time.Now().Add(d.patience); time.Now().Before(deadline); {
		h := d.Heartbeat()
		if h.State != nil && h.State.Players == n {
			return
		}
		last = string(wire.Encode(h))
	}
	d.t.Fatalf("drivertest: %d players were not reported within %v; last report: %s", n, d.patience, last)
}

// Left waits until the driver deregisters, and returns the frame.
func (d *Driver) Left() wire.Deregister {
	d.t.Helper()
	return receive(d, d.left, "a deregister")
}

// Close ends the connection with a code; package wire has what a driver does after each code.
func (d *Driver) Close(code wire.CloseCode) { d.conn.Close(code) }

// Drop ends the connection without a close frame, as a broken network does.
func (d *Driver) Drop() { d.conn.Drop() }

func (d *Driver) send(frame any) {
	d.t.Helper()
	if err := d.conn.Send(frame); err != nil {
		d.t.Errorf("drivertest: send %s: %v", wire.Encode(frame), err)
	}
}

func receive[T any](d *Driver, from <-chan T, what string) T {
	d.t.Helper()
	select {
	case v, ok := <-from:
		if !ok {
			d.t.Fatalf("drivertest: the connection ended (close code %d); want %s", d.conn.End(), what)
		}
		return v
	case <-time.After(d.patience):
		d.t.Fatalf("drivertest: waited %v for %s", d.patience, what)
		panic("unreachable")
	}
}

// Ack is a driver's answer to a command.
type Ack struct{ wire.CommandAck }

// WantApplied fails the test unless the command was applied.
func (a Ack) WantApplied(t testing.TB) {
	t.Helper()
	if a.Status != wire.StatusApplied {
		t.Errorf("seq %d: %s %s %q, want it applied", a.Seq, a.Status, a.Code, a.Detail)
	}
}

// WantRejected fails the test unless the command was rejected with this code.
func (a Ack) WantRejected(t testing.TB, code string) {
	t.Helper()
	if a.Status != wire.StatusRejected || a.Code != code {
		t.Errorf("seq %d: %s %s %q, want it rejected as %s", a.Seq, a.Status, a.Code, a.Detail, code)
	}
}
