package nodes_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
)

// lagging changes the load of all drivers through two nodes all the time, while the third one is behind.
type lagging struct {
	*cluster
	t       *testing.T
	behind  *node
	watch   *raw         // a driver on another node, which must not be stopped
	newest  atomic.Int64 // newest command that is answered
	issued  atomic.Int64 // how many are
	tried   int
	refused int // attempts to register
}

// TestANodeThatLags lets a driver connect to a node that has not read the whole log: it never receives a load that is
// outdated, and nobody is stopped.
func TestANodeThatLags(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	g := newGroup(t)
	watch := g.raw(&raw{
		recorder: recorder{id: "watch"}, instance: "one", urls: []string{c.nodes[0].door.URL()},
	})
	c.joined(1)
	l := &lagging{cluster: c, t: t, behind: c.nodes[2], watch: watch}
	ctx, cease := context.WithCancel(context.Background())
	var writers sync.WaitGroup
	for i, n := range c.nodes[:2] {
		writers.Go(func() { l.change(ctx, n, i) })
	}
	l.moves()
	for what, f := range map[string]struct {
		times int
		lag   func(connect func())
	}{
		"SIGSTOP":               {rounds(60, 600), l.paused},
		"its NATS is cut off":   {rounds(4, 150), l.cut},
		"its NATS is silent":    {rounds(4, 150), l.silenced},
		"an empty directory":    {rounds(3, 100), l.fresh},
		"paused beyond a lease": {rounds(1, 10), l.pausedLong},
	} {
		for range f.times {
			f.lag(func() { l.connect(what) })
			if t.Failed() {
				break
			}
		}
	}
	cease()
	writers.Wait()
	l.check(g)
}

// change changes the load until ctx ends. Players count the commands.
func (l *lagging) change(ctx context.Context, n *node, writer int) {
	for i := 1; ctx.Err() == nil; i++ {
		a, err := n.client.post(ctx, command{submitter: fmt.Sprintf("w-%d", writer), players: int64(i)})
		if err != nil || !a.accepted() {
			continue // the other nodes may not be complete while this one starts
		}
		l.issued.Add(1)
		for {
			before := l.newest.Load()
			if int64(a.entry.Seq) <= before || l.newest.CompareAndSwap(before, int64(a.entry.Seq)) {
				break
			}
		}
	}
}

// moves waits until the log has some more commands.
func (l *lagging) moves() {
	l.t.Helper()
	before := l.issued.Load()
	eventually(l.t, "commands are accepted", func() bool { return l.issued.Load() >= before+3 })
}

func (l *lagging) paused(connect func()) {
	l.behind.pause()
	l.moves()
	resumed := make(chan struct{})
	go func() { // the connection waits until the node goes on
		defer close(resumed)
		l.behind.resume()
	}()
	connect()
	<-resumed
}

func (l *lagging) pausedLong(connect func()) {
	l.behind.pause()
	l.lost(l.behind)
	l.moves()
	l.behind.resume()
	connect()
}

func (l *lagging) cut(connect func()) {
	l.behind.link.Cut()
	l.moves()
	l.behind.link.Heal()
	connect()
}

func (l *lagging) silenced(connect func()) {
	l.behind.link.Silence()
	l.moves()
	healed := make(chan struct{})
	go func() { // in the middle of the handshake
		defer close(healed)
		l.moves()
		l.behind.link.Heal()
	}()
	connect()
	<-healed
}

func (l *lagging) fresh(connect func()) {
	l.behind.kill()
	l.behind.dir = l.t.TempDir()
	l.moves()
	l.behind.start()
	connect()
}

// connect registers a driver with the node that lags, and compares its load with what was answered before.
func (l *lagging) connect(what string) {
	l.t.Helper()
	eventually(l.t, "the driver registers", func() bool {
		answered := uint64(l.newest.Load())
		r, err := register(l.t.Context(), l.behind.door.URL(), "late")
		if err != nil {
			l.refused++
			return false
		}
		l.tried++
		newest := uint64(0)
		for _, d := range r.Desired {
			newest = max(newest, d.Seq)
			if d.Command.Type == "stop" {
				l.t.Errorf("%s: the driver was stopped by %d", what, d.Seq)
			}
		}
		if newest < answered {
			l.t.Errorf("%s: the driver received %d, although %d had been answered", what, newest, answered)
		}
		return true
	})
}

// register registers a driver, and disconnects.
func register(ctx context.Context, url, id string) (r wire.Registered, err error) {
	ws, err := dial(ctx, url)
	if err != nil {
		return r, err
	}
	defer func() { _ = ws.CloseNow() }()
	hello := wire.Encode(wire.Register{Type: wire.TypeRegister, DriverID: id, Instance: "one"})
	if err := ws.Write(ctx, websocket.MessageText, hello); err != nil {
		return r, err
	}
	_, b, err := ws.Read(ctx)
	if err != nil {
		return r, err
	}
	return r, wire.Decode(b, &r)
}

func (l *lagging) check(g *group) {
	l.t.Helper()
	g.leave()
	stops := slices.DeleteFunc(l.watch.got(), func(s seen) bool { return !s.stop || s.desired })
	if len(stops) > 0 {
		l.t.Errorf("the driver of another node was stopped: %v", stops)
	}
	for _, r := range l.settled() {
		if r.Event == "reset" && r.ID > 1 {
			l.t.Errorf("the load was reset: %+v", r)
		}
	}
	if l.watch.sessions != 1 {
		l.t.Errorf("the driver of another node had %d sessions", l.watch.sessions)
	}
	l.t.Logf("outdated loads: 0 of %d registrations with a node that lags; %d attempts were refused; %d commands", l.tried,
		l.refused, l.issued.Load())
}
