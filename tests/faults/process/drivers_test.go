package process_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// light is a driver that reconnects at once when its connection is lost, which the SDK must not do, and records all
// frames that it receives.
type light struct {
	url, id string
	holds   bool        // never answers
	asleep  atomic.Bool // sends no heartbeats, as on a machine that is suspended

	mu       sync.Mutex
	logID    string
	applied  map[string]uint64 // newest seq per slot
	received []frame
}

// frame is a command that a driver received.
type frame struct {
	session int
	seq     uint64
	players int64
	kind    string
	desired bool // at registration
}

// drivers starts n light drivers, which end with the test.
func drivers(t *testing.T, url string, n int, change func(*light)) []*light {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	all := make([]*light, n)
	for i := range all {
		d := &light{url: url, id: fmt.Sprintf("d-%d", i+1), applied: map[string]uint64{}}
		if change != nil {
			change(d)
		}
		all[i] = d
		running.Go(func() {
			for session := 1; ctx.Err() == nil; session++ {
				d.connect(ctx, session)
			}
		})
	}
	return all
}

// connect is one session. How it ends does not matter: another follows.
func (d *light) connect(ctx context.Context, session int) {
	alone := &http.Transport{DisableKeepAlives: true}
	options := &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: alone}, Subprotocols: []string{wire.Subprotocol},
	}
	ws, _, err := websocket.Dial(ctx, d.url+"/drivers/connect", options) //nolint:bodyclose // it is the socket
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	d.mu.Lock()
	hello := wire.Register{
		Type: wire.TypeRegister, DriverID: d.id, Instance: "one", LogID: d.logID, AppliedSeq: d.applied["players"],
	}
	d.mu.Unlock()
	if ws.Write(ctx, websocket.MessageText, wire.Encode(hello)) != nil {
		return
	}
	ctx, end := context.WithCancel(ctx)
	var beats sync.WaitGroup
	beats.Go(func() { d.beat(ctx, ws) })
	defer beats.Wait()
	defer end()
	for {
		_, b, err := ws.Read(ctx)
		if err != nil {
			return
		}
		for _, reply := range d.hear(session, b) {
			if ws.Write(ctx, websocket.MessageText, wire.Encode(reply)) != nil {
				return
			}
		}
	}
}

// beat sends heartbeats until ctx ends.
func (d *light) beat(ctx context.Context, ws *websocket.Conn) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if !d.asleep.Load() &&
				ws.Write(ctx, websocket.MessageText, wire.Encode(wire.Heartbeat{Type: wire.TypeHeartbeat})) != nil {
				return
			}
		}
	}
}

// hear records a frame and returns the answer to send.
func (d *light) hear(session int, b []byte) (replies []any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch kind, _ := wire.TypeOf(b); kind {
	case wire.TypeRegistered:
		var r wire.Registered
		_ = wire.Decode(b, &r)
		d.logID = r.LogID
		for _, w := range r.Desired {
			replies = append(replies, d.take(session, w.Seq, w.Command, true)...)
		}
	case wire.TypeCommand:
		var c wire.CommandFrame
		_ = wire.Decode(b, &c)
		replies = d.take(session, c.Seq, c.Command, false)
	}
	return replies
}

func (d *light) take(session int, seq uint64, c wire.Command, desired bool) []any {
	f := frame{session: session, seq: seq, kind: c.Type, desired: desired}
	if c.Players != nil {
		f.players = *c.Players
	}
	d.received = append(d.received, f)
	if d.holds {
		return nil
	}
	d.applied["players"] = seq
	return []any{wire.CommandAck{Type: wire.TypeCommandAck, Seq: seq, Status: wire.StatusApplied}}
}

// got lists the frames that the driver received, in order.
func (d *light) got() []frame {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.received)
}
