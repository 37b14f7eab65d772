package drivers

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func limited(c *Config) { c.FramesPerSecond, c.FrameBurst = 5, 10 }

// TestTooManyFrames: a session may send its burst, and then so many per second. The next frame ends it.
func TestTooManyFrames(t *testing.T) {
	const beat = `{"type":"heartbeat"}`
	for name, frame := range map[string]string{
		"heartbeats":         beat,
		"unknown frames":     `{"type":"launch"}`,
		"acks of nothing":    `{"type":"command_ack","seq":99,"status":"applied"}`,
		"acks without a seq": `{"type":"command_ack","status":"applied"}`,
	} {
		t.Run(name, func(t *testing.T) {
			inWorldWith(t, limited, func(w *world) {
				p, _ := w.join("d-1", "")
				var got []string
				over := make(chan websocket.StatusCode)
				go func() {
					code, kinds := p.closed()
					got = kinds
					over <- code
				}()
				swarmtest.Advance(time.Millisecond) // the sweeper must not be late for its tick
				for range 10 {
					p.send(frame)
				}
				swarmtest.Advance(400 * time.Millisecond)
				p.send(frame)
				p.send(frame)
				synctest.Wait()
				if w.r.Open() != 1 {
					t.Fatal("closed within the limit")
				}
				p.send(frame)
				if code := <-over; code != websocket.StatusCode(wire.CloseTooFast) {
					t.Errorf("closed with %d", code)
				}
				if len(got) == 0 || got[len(got)-1] != wire.TypeError {
					t.Errorf("frames before the close: %v", got)
				}
			})
		})
	}
}

// TestAnswersToCommandsDoNotCount, but repeated ones do.
func TestAnswersToCommandsDoNotCount(t *testing.T) {
	inWorldWith(t, limited, func(w *world) {
		w.offer(2, set10)
		p, _ := w.join("d-1", "")
		swarmtest.Advance(time.Millisecond)
		p.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		for seq := uint64(3); seq < 203; seq++ {
			w.offer(seq, swarm.Command{Type: command.SetPlayers, Value: int64(seq)}, "d-1")
			p.command()
			form := `{"type":"command_ack","seq":%d,"status":"applied"}`
			if seq%2 == 0 {
				form = `{"status":"rejected","seq":%d,"type":"command_ack","code":"busy"}`
			}
			p.send(fmt.Sprintf(form, seq))
		}
		synctest.Wait()
		if n := w.sink.count("ack"); n != 201 || w.r.Open() != 1 {
			t.Fatalf("%d answers counted, %d sessions are open", n, w.r.Open())
		}
		for range 11 {
			p.send(`{"type":"command_ack","seq":202,"status":"rejected","code":"busy"}`)
		}
		if code, _ := p.closed(); code != websocket.StatusCode(wire.CloseTooFast) {
			t.Errorf("closed with %d", code)
		}
	})
}

func TestPingsAreFrames(t *testing.T) {
	inWorldWith(t, limited, func(w *world) {
		p, _ := w.join("d-1", "")
		swarmtest.Advance(time.Millisecond)
		over := make(chan websocket.StatusCode)
		go func() {
			code, _ := p.closed()
			over <- code
		}()
		for range 10 {
			if err := p.ws.Ping(w.t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		go func() { _ = p.ws.Ping(w.t.Context()) }() // is not answered
		if code := <-over; code != websocket.StatusCode(wire.CloseTooFast) {
			t.Errorf("closed with %d", code)
		}
	})
}

// TestFramesOfAPauseDoNotCount: this process was stopped for a minute, and reads then what drivers sent meanwhile.
func TestFramesOfAPauseDoNotCount(t *testing.T) {
	inWorldWith(t, limited, func(w *world) {
		p, _ := w.join("d-1", "")
		w.stopSweeper()
		swarmtest.Advance(time.Minute)
		go func() { // so that no writer of the server holds the lock of the socket, which a bubble cannot wait for
			for {
				if _, _, err := p.ws.Read(w.t.Context()); err != nil {
					return
				}
			}
		}()
		w.r.sweep(time.Now())
		for range 60 {
			p.send(`{"type":"heartbeat"}`)
		}
		synctest.Wait()
		if w.r.Open() != 1 {
			t.Error("closed")
		}
	})
}
