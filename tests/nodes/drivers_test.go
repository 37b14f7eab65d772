package nodes_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver"
	"github.com/swarmcall/swarmcall/driver/wire"
)

// seen is a command that a driver has received.
type seen struct {
	session int
	seq     uint64
	players int64
	stop    bool
	desired bool // at registration
}

// recorder keeps what a driver has received, in order.
type recorder struct {
	id  string
	mu  sync.Mutex
	all []seen
}

func (r *recorder) add(s seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all = append(r.all, s)
}

func (r *recorder) got() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.all)
}

func (r *recorder) last() (s seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) > 0 {
		s = r.all[len(r.all)-1]
	}
	return s
}

// group runs drivers until leave, or the end of the test.
type group struct {
	ctx     context.Context
	running sync.WaitGroup
	leave   func()
}

func newGroup(t *testing.T) *group {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	g := &group{ctx: ctx}
	g.leave = sync.OnceFunc(func() {
		cancel()
		g.running.Wait()
	})
	t.Cleanup(g.leave)
	return g
}

// sdk runs a driver of the SDK. What it records is what it applies.
func (g *group) sdk(t *testing.T, urls, id string, labels map[string]string) *recorder {
	t.Helper()
	now := make(chan struct{})
	close(now)
	return g.run(t, urls, id, labels, now)
}

// held runs a driver that applies nothing before it is released.
func (g *group) held(t *testing.T, urls, id string, release <-chan struct{}) *recorder {
	t.Helper()
	return g.run(t, urls, id, nil, release)
}

func (g *group) run(
	t *testing.T, urls, id string, labels map[string]string, release <-chan struct{},
) *recorder {
	t.Helper()
	r := &recorder{id: id}
	cfg := driver.Config{
		URL: urls, DriverID: id, Labels: labels,
		HTTPClient: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
	}
	g.running.Go(func() {
		err := driver.Run(g.ctx, cfg, driver.HandlerFunc(func(ctx context.Context, c driver.Command) error {
			select {
			case <-release:
			case <-ctx.Done():
				return ctx.Err()
			}
			r.add(seen{seq: c.Seq, players: c.Players, stop: c.Type == driver.Stop})
			return nil
		}))
		if err != nil {
			t.Errorf("%s ended with %v", id, err)
		}
	})
	return r
}

// raw is a driver that records all frames, and connects to the next URL at once when its connection is lost, which the
// SDK must not do.
type raw struct {
	recorder

	urls     []string
	instance string
	labels   map[string]string

	sessions int
	ending   context.CancelFunc // of the present session; nil if there is none
	logID    string
	applied  uint64
}

// raw runs a raw driver.
func (g *group) raw(d *raw) *raw {
	g.running.Go(func() {
		for i := 0; g.ctx.Err() == nil; i++ {
			d.connect(g.ctx, d.urls[i%len(d.urls)])
			select {
			case <-time.After(50 * time.Millisecond): // a refusal may come at once
			case <-g.ctx.Done():
			}
		}
	})
	return d
}

// connect is one session. How it ends does not matter.
func (d *raw) connect(ctx context.Context, url string) {
	ws, err := dial(ctx, url)
	if err != nil {
		return
	}
	defer func() { _ = ws.CloseNow() }()
	if ws.Write(ctx, websocket.MessageText, wire.Encode(wire.Register{
		Type: wire.TypeRegister, DriverID: d.id, Instance: d.instance, Labels: d.labels, LogID: d.logID,
		AppliedSeq: d.applied,
	})) != nil {
		return
	}
	ctx, end := context.WithCancel(ctx)
	d.session(end)
	defer d.session(nil)
	var beats sync.WaitGroup
	beats.Go(func() { beat(ctx, ws) })
	defer beats.Wait()
	defer end()
	d.sessions++
	for {
		b, err := read(ctx, ws)
		if err != nil {
			return
		}
		for _, seq := range d.hear(b) {
			ack := wire.CommandAck{Type: wire.TypeCommandAck, Seq: seq, Status: wire.StatusApplied}
			if ws.Write(ctx, websocket.MessageText, wire.Encode(ack)) != nil {
				return
			}
		}
	}
}

// read reads a frame. The server renews the driver lease every 12 s, so one that says nothing for longer is paused or lost.
func read(ctx context.Context, ws *websocket.Conn) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	_, b, err := ws.Read(ctx)
	return b, err
}

func (d *raw) session(end context.CancelFunc) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ending = end
}

// cut ends the present session, if there is one.
func (d *raw) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ending != nil {
		d.ending()
	}
}

// hear records a frame, and returns the commands to ack.
func (d *raw) hear(b []byte) (acks []uint64) {
	take := func(seq uint64, c wire.Command, desired bool) {
		s := seen{session: d.sessions, seq: seq, desired: desired, stop: c.Type == string(driver.Stop)}
		if c.Players != nil {
			s.players = *c.Players
		}
		d.add(s)
		d.applied = max(d.applied, seq)
		acks = append(acks, seq)
	}
	switch kind, _ := wire.TypeOf(b); kind {
	case wire.TypeRegistered:
		var r wire.Registered
		_ = wire.Decode(b, &r)
		d.logID = r.LogID
		for _, w := range r.Desired {
			take(w.Seq, w.Command, true)
		}
	case wire.TypeCommand:
		var c wire.CommandFrame
		_ = wire.Decode(b, &c)
		take(c.Seq, c.Command, false)
	}
	return acks
}

func dial(ctx context.Context, url string) (*websocket.Conn, error) {
	options := &websocket.DialOptions{
		HTTPClient:   &http.Client{Transport: &http.Transport{DisableKeepAlives: true}},
		Subprotocols: []string{wire.Subprotocol},
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second) // as the SDK
	defer cancel()
	ws, _, err := websocket.Dial(ctx, url+"/drivers/connect", options) //nolint:bodyclose // it is the socket
	return ws, err
}

// beat sends heartbeats until ctx ends.
func beat(ctx context.Context, ws *websocket.Conn) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if ws.Write(ctx, websocket.MessageText, wire.Encode(wire.Heartbeat{Type: wire.TypeHeartbeat})) != nil {
				return
			}
		}
	}
}

// sdks runs n drivers of the SDK with one label.
func (g *group) sdks(t *testing.T, urls, name string, n int) (all []*recorder) {
	t.Helper()
	for i := range n {
		all = append(all, g.sdk(t, urls, fmt.Sprintf("%s-%d", name, i+1), map[string]string{"pool": name}))
	}
	return all
}
