package drivers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// TestAClosingSessionDelaysNoOther: a close handshake with a peer that does not read takes seconds. Neither the
// driver's next session nor the sweeper nor any user of the registry waits for it.
func TestAClosingSessionDelaysNoOther(t *testing.T) {
	inWorld(t, func(w *world) {
		deaf, _ := w.join("d-1", `,"instance":"one"`)
		if err := deaf.ws.Write(w.t.Context(), websocket.MessageBinary, []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // the writer is in the close handshake now
		began := time.Now()
		w.join("d-1", `,"instance":"one"`)
		w.join("d-2", "")
		w.r.Drivers()
		if took := time.Since(began); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

func TestShutdownIsBoundedWhateverPeersDo(t *testing.T) {
	inWorld(t, func(w *world) {
		for i := range 200 {
			w.join(fmt.Sprintf("deaf-%d", i), "")
			w.joinMute(fmt.Sprintf("mute-%d", i))
		}
		synctest.Wait()
		if got := len(w.active(swarm.Target{})); got != 400 {
			t.Fatalf("%d drivers are active", got)
		}
		ctx, cancel := context.WithTimeout(w.t.Context(), 1500*time.Millisecond)
		defer cancel()
		began := time.Now()
		w.r.Shutdown(ctx)
		if took := time.Since(began); took > 1500*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

// TestRegisterTooLate: a driver that is closed with 4005 was never in the swarm.
func TestRegisterTooLate(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.dial()
		swarmtest.Advance(wire.RegisterTimeout)
		synctest.Wait()
		go func() {
			_ = p.ws.Write(context.Background(), websocket.MessageText, []byte(`{"type":"register","driver_id":"d-1"}`))
		}()
		synctest.Wait()
		if got := w.r.Drivers(); len(got) != 0 {
			t.Errorf("roster has %v", got)
		}
		if code, _ := p.closed(); code != 4005 {
			t.Errorf("closed with %d", code)
		}
	})
}

// TestConnectionsAreClosedEvenIfThePeerDoesNotAnswer checks the TCP connection: after a protocol error the server
// closes it, whether its close frame is answered or not.
func TestConnectionsAreClosedEvenIfThePeerDoesNotAnswer(t *testing.T) {
	for name, frame := range map[string][]byte{
		"over 32 KiB":    append([]byte{0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}, make([]byte, 40<<10)...),
		"2^62 bytes":     {0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '{'},
		"unmasked":       {0x81, 0x02, '{', '}'},
		"reserved bit":   {0xc1, 0x82, 0, 0, 0, 0, '{', '}'},
		"unknown opcode": {0x83, 0x82, 0, 0, 0, 0, '{', '}'},
		"long ping":      {0x89, 0xfe, 0, 126, 0, 0, 0, 0},
		"half a message": {0x01, 0x82, 0, 0, 0, 0, '{', '}'},
		"nothing":        nil,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				conn, err := w.net.Dial(w.t.Context(), "", "")
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close() }()
				handshake(t, conn)
				began := time.Now()
				go func() { _, _ = conn.Write(frame) }()
				_, err = io.Copy(io.Discard, conn)
				if took := time.Since(began); err != nil || took > 15*time.Second {
					t.Errorf("ended with %v after %v", err, took)
				}
				synctest.Wait()
				w.r.mu.Lock()
				defer w.r.mu.Unlock()
				if len(w.r.sessions) != 0 {
					t.Errorf("%d sessions are left", len(w.r.sessions))
				}
			})
		})
	}
}

// joinMute registers a driver that reads everything and answers nothing, neither a ping nor a close.
func (w *world) joinMute(id string) net.Conn {
	w.t.Helper()
	conn, err := w.net.Dial(w.t.Context(), "", "")
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	handshake(w.t, conn)
	register := `{"type":"register","driver_id":"` + id + `"}`
	if _, err := conn.Write(append([]byte{0x81, 0x80 | byte(len(register)), 0, 0, 0, 0}, register...)); err != nil {
		w.t.Fatal(err)
	}
	go func() { _, _ = io.Copy(io.Discard, conn) }()
	return conn
}

// handshake upgrades a raw connection.
func handshake(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := io.WriteString(conn, "GET /drivers/connect HTTP/1.1\r\nHost: 127.0.0.1\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: "+wire.Subprotocol+"\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for b := make([]byte, 1); len(got) < 4 || string(got[len(got)-4:]) != "\r\n\r\n"; got = append(got, b[0]) {
		if _, err := conn.Read(b); err != nil {
			t.Fatalf("%q %v", got, err)
		}
	}
}

// TestUnreadPingIsAWriteTimeout: the ping to a peer that has stopped reading is a write without progress like any
// other.
func TestUnreadPingIsAWriteTimeout(t *testing.T) {
	inWorld(t, func(w *world) {
		w.join("deaf", "")
		swarmtest.Advance(PingAfter + WriteTimeout + time.Second)
		synctest.Wait()
		if got, want := w.sink.all(), `["disconnected","deaf","write_timeout"]`; len(got) != 1 || got[0] != want {
			t.Errorf("got %v, want %s", got, want)
		}
	})
}

// TestResetReachesADriverThatJoinedMeanwhile: between the request for a reset and its record a driver may register, and
// receive the earlier load.
func TestResetReachesADriverThatJoinedMeanwhile(t *testing.T) {
	inWorld(t, func(w *world) {
		w.offer(2, set10)
		p, reg := w.join("d-1", "")
		if len(reg.Desired) != 1 || reg.Desired[0].Command.Type != "set_players" {
			t.Fatalf("desired %+v", reg.Desired)
		}
		w.r.Reset(3)
		var cmd wire.CommandFrame
		p.receive(&cmd)
		if cmd.Seq != 3 || cmd.Command.Type != "stop" {
			t.Errorf("got %+v, want the reset as a stop", cmd)
		}
	})
}

// TestUndeliverableTargetIsReported: targets are fixed before the append, and their drivers may change during it.
func TestUndeliverableTargetIsReported(t *testing.T) {
	inWorld(t, func(w *world) {
		w.join("moved", `,"labels":{"region":"us"}`) // was in eu when the targets were fixed
		closing, _ := w.join("closing", `,"labels":{"region":"eu"}`)
		if err := closing.ws.Write(w.t.Context(), websocket.MessageBinary, []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.issue(swarm.Issue{
			Seq: 2, Command: set10, Target: swarm.Target{Labels: map[string]string{"region": "eu"}}, Targets: []string{
				"closing", "moved",
			},
			Deadline: time.Second,
		})
		want := text([]string{`["undelivered","closing",2]`, `["undelivered","moved",2]`})
		if got := text(w.sink.all()); got != want {
			t.Errorf("got %s", got)
		}
	})
}

// TestLeaseOfAnyLength: whatever the lease is, heartbeats at the interval that the driver receives are answered four
// times within it.
func TestLeaseOfAnyLength(t *testing.T) {
	for _, lease := range []time.Duration{500 * time.Millisecond, 2 * time.Second, 4 * time.Second, 5 * time.Second,
		7 * time.Second, time.Minute} {
		t.Run(lease.String(), func(t *testing.T) {
			inWorldWith(t, func(cfg *Config) { cfg.LeaseTTL = lease }, func(w *world) {
				p, reg := w.join("d-1", "")
				answered := make(chan time.Time, 1000)
				p.OnPing = func() { answered <- time.Now() } // renews the lease as any frame does
				done := make(chan struct{})
				go func() {
					defer close(done)
					for {
						if _, _, err := p.ws.Read(context.Background()); err != nil {
							return
						}
						answered <- time.Now()
					}
				}()
				last := time.Now()
				for end := last.Add(5 * lease); time.Now().Before(end); {
					swarmtest.Advance(time.Duration(reg.HeartbeatIntervalMS) * time.Millisecond)
					p.send(`{"type":"heartbeat"}`)
					synctest.Wait()
					if gap := time.Since(last); gap > lease/4 {
						t.Fatalf("no word for %v of a lease of %v", gap, lease)
					}
					for len(answered) > 0 {
						last = <-answered
					}
				}
				_ = p.ws.CloseNow()
				<-done
			})
		})
	}
}

func TestReplacedSessionIsNotSentWhatTheNewerOneReceived(t *testing.T) {
	inWorld(t, func(w *world) {
		old, _ := w.join("d-1", `,"instance":"one"`)
		for seq := uint64(2); seq < 5; seq++ {
			w.offer(seq, swarm.Command{Type: command.SetPlayers, Value: int64(seq)}, "d-1")
			synctest.Wait() // the first is being written, to a peer that does not read yet; the others wait
		}
		_, reg := w.join("d-1", `,"instance":"two"`)
		if len(reg.Desired) != 1 || reg.Desired[0].Seq != 4 {
			t.Errorf("desired of the newer session: %+v", reg.Desired)
		}
		code, kinds := old.closed()
		if code != 4002 || len(kinds) != 1 {
			t.Errorf("the old session got %v and %d, want the command that was under way and 4002", kinds, code)
		}
	})
}

func TestRosterKeepsTheLastAckAndIgnoresAFutureSeq(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("d-1", "")
		w.offer(2, set10, "d-1")
		var cmd wire.CommandFrame
		p.receive(&cmd)
		p.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		synctest.Wait()
		again, _ := w.join("d-1", `,"log_id":"log.1","applied_seq":2`)
		again.send(`{"type":"heartbeat","applied_seq":99}`)
		synctest.Wait()
		d, _ := w.r.Driver("d-1")
		if d.LastAck == nil || d.LastAck.Seq != 2 || d.AppliedSeq != 2 {
			t.Errorf("after a reconnect: last ack %+v, applied %d", d.LastAck, d.AppliedSeq)
		}
		if err := p.ws.CloseNow(); err != nil && !errors.Is(err, net.ErrClosed) {
			t.Log(err)
		}
	})
}
