package drivers

import (
	"slices"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// total offers a total with the given split, in the order of ids.
func (w *world) total(seq uint64, ids []string, parts ...int64) {
	var sum int64
	for _, n := range parts {
		sum += n
	}
	w.r.Offer(swarm.Issue{
		Seq: seq, Command: swarm.Command{Type: command.SetPlayers, Value: sum, Total: true}, Targets: ids, Split: parts,
		Deadline: 2 * time.Second,
	})
}

func (p *peer) players() int64 {
	p.t.Helper()
	var f wire.CommandFrame
	p.receive(&f)
	if f.Command.Players == nil {
		p.t.Fatalf("got %+v, want set_players", f)
	}
	return *f.Command.Players
}

func TestEachDriverReceivesItsShareOfATotal(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.join("a", `,"weight":2.5,"max_players":70`)
		b, _ := w.join("b", "")
		outside, _ := w.join("c", "")
		members := w.active(swarm.Target{})
		if members[0].Share != (swarm.Share{Weight: 2500, Cap: 70}) || members[1].Share != (swarm.Share{Weight: 1000}) {
			t.Errorf("members %+v", members)
		}
		w.total(5, []string{"a", "b"}, 70, 30)
		if x, y, z := a.players(), b.players(), outside.players(); x != 70 || y != 30 || z != 0 {
			t.Errorf("told %d, %d and, outside the split, %d", x, y, z)
		}
		_, late := w.join("d", "")
		_, again := w.join("b", `,"state":{"players":30,"spawn_delay_ms":0,"running":true}`)
		if n := *late.Desired[0].Command.Players; n != 0 {
			t.Errorf("a late joiner receives %d players", n)
		}
		if n := *again.Desired[0].Command.Players; n != 30 {
			t.Errorf("a driver that returned receives %d players", n)
		}
	})
}

func TestBadWeightsAreRefused(t *testing.T) {
	inWorld(t, func(w *world) {
		for _, more := range []string{
			`,"weight":0`, `,"weight":-1`, `,"weight":1e7`, `,"max_players":-1`, `,"max_players":1000000001`,
		} {
			p := w.dial()
			p.send(`{"type":"register","driver_id":"a"` + more + `}`)
			if code, _ := p.closed(); code != 4005 {
				t.Errorf("%s: closed with %d", more, code)
			}
		}
	})
}

func TestATotalIsSplitAgainWhenALeaseHasExpired(t *testing.T) {
	resplit := func(c *Config) { c.Resplit = ResplitOnLoss }
	inWorldWith(t, resplit, func(w *world) {
		a, _ := w.join("a", "")
		b, _ := w.join("b", "")
		w.total(5, []string{"a", "b", "c"}, 40, 60, 0) // c has no share, so its absence does not matter
		go a.keepAlive()
		_ = b.ws.CloseNow()
		<-time.After(59 * time.Second)
		if got := w.sink.count("resplit"); got != 0 {
			t.Errorf("split again while the lost driver may be running: %v", w.sink.all())
		}
		if rules := w.r.State(swarm.StateQuery{}).Rules; rules[0].Unconfirmed != 60 {
			t.Errorf("unconfirmed %d, want 60", rules[0].Unconfirmed)
		}
		<-time.After(2 * time.Second)
		if !slices.Contains(w.sink.all(), text("resplit", uint64(5), "lost", []string{"b"})) {
			t.Errorf("reported %v, want seq 5 split again for b", w.sink.all())
		}
		if rules := w.r.State(swarm.StateQuery{}).Rules; rules[0].Unconfirmed != 0 {
			t.Errorf("unconfirmed %d after the lease", rules[0].Unconfirmed)
		}
		asked := w.sink.count("resplit")
		w.total(9, []string{"a"}, 100)
		<-time.After(time.Minute)
		if got := w.sink.count("resplit"); got != asked {
			t.Errorf("asked %d times more for a split that holds", got-asked)
		}
	})
}

func TestADeregisteredDriverIsLostAtOnce(t *testing.T) {
	inWorldWith(t, func(c *Config) { c.Resplit = ResplitOnLoss }, func(w *world) {
		a, _ := w.join("a", "")
		go a.keepAlive()
		<-time.After(time.Minute) // a lease after the start, a driver that has not connected cannot be running
		b, _ := w.join("b", "")
		w.total(5, []string{"a", "b"}, 50, 50)
		b.players()
		b.send(`{"type":"deregister"}`)
		<-time.After(time.Second)
		if w.sink.count("resplit") != 1 {
			t.Errorf("reported %v", w.sink.all())
		}
	})
}

func TestSplitsAreLeftAloneUnlessAskedFor(t *testing.T) {
	inWorld(t, func(w *world) {
		b, _ := w.join("b", "")
		w.total(5, []string{"b"}, 50)
		_ = b.ws.CloseNow()
		<-time.After(2 * time.Minute)
		if w.sink.count("resplit") != 0 {
			t.Errorf("reported %v", w.sink.all())
		}
	})
}

// keepAlive sends heartbeats, and reads all frames, until the connection ends.
func (p *peer) keepAlive() {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if _, _, err := p.ws.Read(p.t.Context()); err != nil {
				return
			}
		}
	}()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
			if p.ws.Write(p.t.Context(), websocket.MessageText, []byte(`{"type":"heartbeat"}`)) != nil {
				return
			}
		}
	}
}

// TestOnChangeALateDriverGetsItsPart: with on-change a total is split again for a driver that joins or returns, at most
// every 5 s, and never while some driver may be running a share without reporting it. With on-loss the two outside the
// split are shown.
func TestOnChangeALateDriverGetsItsPart(t *testing.T) {
	inWorldWith(t, func(c *Config) { c.Resplit = ResplitOnChange }, func(w *world) {
		a, _ := w.join("a", "")
		go a.keepAlive()
		w.total(5, []string{"a"}, 100)
		b, _ := w.join("b", "")
		go b.keepAlive()
		c, _ := w.join("c", `,"capabilities":["stop"]`)
		go c.keepAlive()
		<-time.After(time.Second)
		if got := w.sink.only("resplit"); text(got) != text([]string{text("resplit", uint64(5),
			"joined", []string{"b"})}) {
			t.Errorf("asked for %v, want one split for b, which takes players", got)
		}
		d, _ := w.join("d", "")
		go d.keepAlive()
		<-time.After(3 * time.Second)
		if n := w.sink.count("resplit"); n != 1 {
			t.Errorf("asked %d times within 5 s", n)
		}
		w.total(7, []string{"a", "b", "d"}, 40, 30, 30)
		_ = d.ws.CloseNow()
		e, _ := w.join("e", "")
		go e.keepAlive()
		<-time.After(50 * time.Second)
		if n := w.sink.count("resplit"); n != 1 {
			t.Errorf("asked %v while d may be running its 30 players", w.sink.only("resplit"))
		}
		<-time.After(12 * time.Second)
		if got := w.sink.only("resplit"); len(got) != 2 || got[1] != text("resplit", uint64(7), "lost", []string{"d"}) {
			t.Errorf("asked for %v after d's lease, want a split without d", got)
		}
	})
}

func TestDriversOutsideASplitAreShown(t *testing.T) {
	inWorldWith(t, func(c *Config) { c.Resplit = ResplitOnLoss }, func(w *world) {
		a, _ := w.join("a", "")
		w.total(5, []string{"a"}, 100)
		a.send(`{"type":"heartbeat","applied_seq":5,"state":{"players":100}}`)
		for _, id := range []string{"b", "c"} {
			p, _ := w.join(id, "")
			p.send(`{"type":"heartbeat","applied_seq":5,"state":{"players":0}}`)
		}
		<-time.After(time.Second)
		s := w.r.State(swarm.StateQuery{})
		if s.Converged != 3 || s.Rules[0].OutsideSplit != 2 || w.sink.count("resplit") != 0 {
			t.Errorf("%d converged, %+v, reported %v", s.Converged, s.Rules[0], w.sink.all())
		}
		for i, outside := range []bool{false, true, true} {
			if s.Drivers[i].OutsideSplit != outside {
				t.Errorf("%s: %+v", s.Drivers[i].DriverID, s.Drivers[i])
			}
		}
	})
}

// TestAHungDriverKeepsItsPart: it is not known what a stale driver runs, so no other driver gets its share.
func TestAHungDriverKeepsItsPart(t *testing.T) {
	inWorldWith(t, func(c *Config) { c.Resplit = ResplitOnChange }, func(w *world) {
		a, _ := w.join("a", "")
		go a.keepAlive()
		w.join("hung", "")
		b, _ := w.join("b", "")
		w.total(5, []string{"a", "b", "hung"}, 30, 30, 40)
		<-time.After(5 * time.Second) // hung and b are stale
		b.send(`{"type":"deregister"}`)
		<-time.After(10 * time.Second)
		if n := w.sink.count("resplit"); n != 0 {
			t.Errorf("asked for %v while a hung driver may be running 40 players", w.sink.only("resplit"))
		}
	})
}

// TestATotalIsSplitAtMostOncePer5s: although each split is a separate entry, and less often while the splits have no
// effect.
func TestATotalIsSplitAtMostOncePer5s(t *testing.T) {
	inWorldWith(t, func(c *Config) { c.Resplit = ResplitOnChange }, func(w *world) {
		ids := []string{"a"}
		a, _ := w.join("a", "")
		go a.keepAlive()
		seq := uint64(5)
		w.total(seq, ids, 100)
		for _, id := range []string{"b", "c", "d", "e"} {
			p, _ := w.join(id, "")
			go p.keepAlive()
			<-time.After(time.Second)
			if n := w.sink.count("resplit"); n != 1 {
				t.Fatalf("asked %d times within 5 s", n)
			}
			if id == "b" { // it is issued at once
				ids = append(ids, id)
				w.r.Offer(swarm.Issue{
					Seq: 6, Command: swarm.Command{Type: command.SetPlayers, Value: 100,
						Total: true}, Targets: ids, Split: []int64{
						50, 50,
					},
					Condition: &swarm.Condition{IfSeq: 5, Base: 5}, Deadline: time.Second,
				})
			}
		}
		<-time.After(2 * time.Minute)
		if n := w.sink.count("resplit"); n < 3 || n > 6 {
			t.Errorf("asked %d times within 2 minutes in which nothing came of it", n)
		}
	})
}
