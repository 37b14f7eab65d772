package drivers

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// offerAll offers a command on every node, as their tails do.
func (x *nodes) offerAll(i swarm.Issue) {
	for _, w := range x.worlds {
		w.issue(i)
	}
}

// exchangeFor lets the nodes tell each other what changes, for a time.
func (x *nodes) exchangeFor(d time.Duration) {
	for end := time.Now().Add(d); time.Now().Before(end); {
		x.exchange()
		<-time.After(time.Second)
	}
}

// TestDriversOfOtherNodesCountForTheReset: there is none while one is connected anywhere, and the node on which the
// last one deregisters requests it.
func TestDriversOfOtherNodesCountForTheReset(t *testing.T) {
	inTwo(t, func(x *nodes, a, b *world) {
		p, _ := a.join("d-1", "")
		go p.keepAlive()
		q, _ := b.join("d-2", "")
		go q.keepAlive()
		x.exchange()
		x.offerAll(swarm.Issue{Seq: 2, Command: set10})
		p.leave()
		x.exchangeFor(forget + 5*time.Second)
		if a.sink.count("reset")+b.sink.count("reset") != 0 {
			t.Errorf("a driver is connected to b: %v, %v", a.sink.all(), b.sink.all())
		}
		q.leave()
		x.exchange()
		if a.sink.count("reset") != 0 || b.sink.count("reset") != 1 {
			t.Errorf("the last driver deregistered from b: %v, %v", a.sink.all(), b.sink.all())
		}
	})
}

// TestOnlyTheLeadingNodeRequests what all nodes see, and only while it knows all drivers.
func TestOnlyTheLeadingNodeRequests(t *testing.T) {
	var leader atomic.Value // the name of a node
	leader.Store("")
	change := func(c *Config) {
		name := c.Node.Name
		c.Resplit, c.Leads = ResplitOnChange, func() bool { return leader.Load() == name }
	}
	inNodes(t, 2, change, func(x *nodes) {
		x.worlds[0].r.SetSilent(nil, false)
		a, b := x.worlds[0], x.worlds[1]
		p, _ := a.join("d-1", "")
		go p.keepAlive()
		q, _ := b.join("d-2", "")
		go q.keepAlive()
		x.exchange()
		// d-2 has no share of this total, and no driver matches the other command
		x.offerAll(swarm.Issue{Seq: 2, Command: swarm.Command{Type: set10.Type, Value: 100, Total: true},
			Targets: []string{"d-1"}, Split: []int64{100}})
		x.offerAll(swarm.Issue{Seq: 3, Command: set20, Target: swarm.Target{DriverIDs: []string{"nobody"}}})
		requests := func(w *world) int { return w.sink.count("resplit") + w.sink.count("expire") }
		x.exchangeFor(forget + 15*time.Second)
		if requests(a)+requests(b) != 0 {
			t.Errorf("no node leads: %v, %v", a.sink.all(), b.sink.all())
		}
		leader.Store("a")
		x.exchangeFor(15 * time.Second)
		if requests(a)+requests(b) != 0 {
			t.Errorf("a leads and does not know all drivers: %v, %v", a.sink.all(), b.sink.all())
		}
		a.r.SetSilent([]string{"b"}, true)
		x.exchangeFor(15 * time.Second)
		if requests(a)+requests(b) != 0 {
			t.Errorf("a leads and b is silent: %v, %v", a.sink.all(), b.sink.all())
		}
		a.r.SetSilent(nil, true)
		x.exchangeFor(forget + 15*time.Second)
		if a.sink.count("resplit") == 0 || a.sink.count("expire") == 0 || requests(b) != 0 {
			t.Errorf("a leads: %v, %v", a.sink.all(), b.sink.all())
		}
	})
}

// TestATotalWaitsForDriversOfOtherNodes: a driver with a share that is connected elsewhere is not lost.
func TestATotalWaitsForDriversOfOtherNodes(t *testing.T) {
	inNodes(t, 2, func(c *Config) { c.Resplit = ResplitOnLoss }, func(x *nodes) {
		a, b := x.worlds[0], x.worlds[1]
		p, _ := a.join("d-1", "")
		go p.keepAlive()
		q, _ := b.join("d-2", "")
		go q.keepAlive()
		x.exchange()
		x.offerAll(swarm.Issue{Seq: 2, Command: swarm.Command{Type: set10.Type, Value: 100, Total: true},
			Targets: []string{"d-1", "d-2"}, Split: []int64{50, 50}})
		x.exchangeFor(2 * time.Minute)
		if a.sink.count("resplit") != 0 {
			t.Errorf("asked for %v", a.sink.all())
		}
		q.leave()
		x.exchangeFor(2 * time.Second)
		if got := a.sink.only("resplit"); len(got) != 1 || got[0] != text("resplit", uint64(2), "lost", []string{"d-2"}) {
			t.Errorf("asked for %v", got)
		}
	})
}

// TestLoadForADriverOfAnotherNodeDoesNotExpire.
func TestLoadForADriverOfAnotherNodeDoesNotExpire(t *testing.T) {
	inTwo(t, func(x *nodes, a, b *world) {
		q, _ := b.join("d-2", "")
		go q.keepAlive()
		x.exchange()
		x.offerAll(swarm.Issue{Seq: 2, Command: set10, Target: swarm.Target{DriverIDs: []string{"d-2"}}})
		x.exchangeFor(forget + 15*time.Second)
		if n := a.sink.count("expire"); n != 0 {
			t.Errorf("asked for %v", a.sink.all())
		}
	})
}
