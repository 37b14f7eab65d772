// Package bare has a driver at the level of frames: it sends only what the test sends, and answers to pings.
package bare

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// Driver is a connection to the driver socket.
type Driver struct {
	Conn   *websocket.Conn
	OnPing func() // called by the reader when a ping arrives; may be nil

	t testing.TB
}

// Dial connects to the server at url until the test ends. With a nil client, no connection is reused.
func Dial(t testing.TB, url string, client *http.Client) *Driver {
	t.Helper()
	if client == nil {
		client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	}
	d := &Driver{t: t}
	options := &websocket.DialOptions{
		HTTPClient: client, Subprotocols: []string{wire.Subprotocol},
		OnPingReceived: func(context.Context, []byte) bool {
			if d.OnPing != nil {
				d.OnPing()
			}
			return true
		},
	}
	address := url + "/drivers/connect"
	conn, _, err := websocket.Dial(t.Context(), address, options) //nolint:bodyclose // after the upgrade there is none
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	d.Conn = conn
	return d
}

// Send sends a frame.
func (d *Driver) Send(frame string) {
	d.t.Helper()
	if err := d.Conn.Write(d.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		d.t.Fatal(err)
	}
}

// Receive decodes the next frame.
func (d *Driver) Receive(into any) {
	d.t.Helper()
	_, b, err := d.Conn.Read(d.t.Context())
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// Next returns the next frame that is not a heartbeat_ack.
func (d *Driver) Next() map[string]any {
	d.t.Helper()
	for {
		var frame map[string]any
		if d.Receive(&frame); frame["type"] != wire.TypeHeartbeatAck {
			return frame
		}
	}
}

// Closed reads until the server closes, and returns the close code and the types of the frames before it.
func (d *Driver) Closed() (code websocket.StatusCode, kinds []string) {
	d.t.Helper()
	for {
		_, b, err := d.Conn.Read(d.t.Context())
		if err != nil {
			closed, ok := errors.AsType[websocket.CloseError](err)
			if !ok {
				d.t.Fatalf("connection ended without a close: %v", err)
			}
			return closed.Code, kinds
		}
		kind, err := wire.TypeOf(b)
		if err != nil {
			d.t.Fatal(err)
		}
		kinds = append(kinds, string(kind))
	}
}
