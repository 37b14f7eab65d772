package script

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// Conn is the server's side of one connection.
type Conn struct {
	N        int      // number of the connection, from 1
	Offered  []string // subprotocols
	OpenedAt time.Time
	Frames   chan Frame // messages of the driver, in order; closed when the connection has ended

	server *Server
	conn   *websocket.Conn
	mute   atomic.Bool
	gone   chan struct{}
	code   int // see End; set before gone is closed
}

// Frame is one message of the driver.
type Frame struct {
	At   time.Time
	Type string // "" if the message is not a valid frame: see Problem
	Body []byte
	Text bool // not binary

	Problem error
}

// Decode fills v from the frame.
func (f Frame) Decode(v any) error {
	if f.Problem != nil {
		return f.Problem
	}
	return wire.Decode(f.Body, v)
}

var errBinary = errors.New("the message is binary")

// read receives frames until the connection ends.
func (c *Conn) read(ctx context.Context) {
	defer close(c.gone)
	defer close(c.Frames)
	for {
		kind, b, err := c.conn.Read(ctx)
		if err != nil {
			c.code = int(websocket.CloseStatus(err))
			c.server.note(Event{Conn: c.N, From: "driver", What: "close", Code: c.code})
			return
		}
		f := Frame{At: time.Now(), Body: b, Text: kind == websocket.MessageText}
		if f.Text {
			f.Type, f.Problem = wire.TypeOf(b)
		} else {
			f.Problem = errBinary
		}
		c.server.note(Event{Conn: c.N, From: "driver", What: "frame", Frame: b})
		c.Frames <- f
	}
}

// Send sends a frame.
func (c *Conn) Send(frame any) error { return c.SendText(wire.Encode(frame)) }

// SendText sends a text message, valid or not.
func (c *Conn) SendText(b []byte) error {
	c.server.note(Event{Conn: c.N, From: "server", What: "frame", Frame: b})
	ctx, cancel := context.WithTimeout(c.server.ctx, 10*time.Second)
	defer cancel()
	return c.conn.Write(ctx, websocket.MessageText, b)
}

// Ping sends a ping and waits for the pong. Meanwhile the script must read Frames, unless its buffer has space.
func (c *Conn) Ping(ctx context.Context) error {
	c.server.note(Event{Conn: c.N, From: "server", What: "ping"})
	return c.conn.Ping(ctx)
}

// IgnorePings sets whether the driver's pings stay unanswered, as with a hung server.
func (c *Conn) IgnorePings(on bool) { c.mute.Store(on) }

// Close closes with a code, and waits a few seconds for the driver's close frame.
func (c *Conn) Close(code wire.CloseCode) {
	c.server.note(Event{Conn: c.N, From: "server", What: "close", Code: int(code)})
	_ = c.conn.Close(websocket.StatusCode(code), code.Text())
}

// Drop ends the connection without a close frame.
func (c *Conn) Drop() {
	c.server.note(Event{Conn: c.N, From: "server", What: "close", Code: -1})
	_ = c.conn.CloseNow()
}

// Gone returns a channel that is closed when the connection has ended.
func (c *Conn) Gone() <-chan struct{} { return c.gone }

// End waits for the end of the connection, and returns its close code, -1 if there was none.
func (c *Conn) End() int {
	<-c.gone
	return c.code
}
