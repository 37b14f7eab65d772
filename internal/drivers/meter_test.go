package drivers

import (
	"maps"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// tallies is a Meter that counts in a map.
type tallies struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tallies) add(what string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[what] += n
}

func (c *tallies) Received(frame string)    { c.add("in "+frame, 1) }
func (c *tallies) Sent(frame string, n int) { c.add("out "+frame, n) }
func (c *tallies) Connected(how string)     { c.add("connected "+how, 1) }
func (c *tallies) Disconnected(why string)  { c.add("disconnected "+why, 1) }
func (c *tallies) counted() (m map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m = maps.Clone(c.n)
	maps.DeleteFunc(m, func(_ string, n int) bool { return n == 0 })
	return m
}

func TestConnectionsAreCounted(t *testing.T) {
	meter := &tallies{}
	inWorldWith(t, func(c *Config) { c.Meter = meter }, func(w *world) {
		p, _ := w.join("d", "")
		w.offer(2, set10, "d")
		p.command()
		p.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		p.send(`{"type":"command_ack","seq":2,"status":"applied","detail":"again"}`)
		p.send(`{"type":"heartbeat"}`)
		p.send(`{"type":"nonsense"}`)
		w.join("d", "") // takes the id over
		p.closed()
		gone, _ := w.join("gone", "")
		gone.send(`{"type":"deregister"}`)
		gone.closed()
		lost, _ := w.join("lost", "")
		_ = lost.ws.CloseNow()
		wrong := w.dial()
		wrong.send(`{"type":"register"}`)
		wrong.closed()
		resp, err := w.net.Client().Get("http://127.0.0.1/")
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		synctest.Wait()
		want := map[string]int{ // the command is sent once: later sessions find it in the answer to register
			"in register": 5, "in command_ack": 2, "in heartbeat": 1, "in nonsense": 1, "in deregister": 1,
			"out registered": 4, "out command": 1, "out error": 2,
			"connected registered": 4, "connected unregistered": 1, "connected refused": 1,
			"disconnected superseded": 1, "disconnected deregistered": 1, "disconnected disconnected": 1,
		}
		if diff := cmp.Diff(want, meter.counted()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestTally(t *testing.T) {
	inWorld(t, func(w *world) {
		w.offerTo(2, set10, swarm.Target{})
		p, _ := w.join("a", `,"state":{"players":10}`)
		quiet, _ := w.join("b", `,"state":{"players":7}`)
		lost, _ := w.join("c", `,"state":{"players":10}`)
		_ = lost.ws.CloseNow()
		synctest.Wait()
		if diff := cmp.Diff(swarm.Tally{Active: 2, Disconnected: 1, Target: 30, Actual: 17}, w.r.Tally()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for range 4 {
			<-time.After(time.Second)
			p.send(`{"type":"heartbeat","state":{"players":9}}`)
		}
		synctest.Wait()
		want := swarm.Tally{Active: 1, Stale: 1, Disconnected: 1, Target: 30, Actual: 9}
		if diff := cmp.Diff(want, w.r.Tally()); diff != "" {
			t.Errorf("b is stale: (-want +got):\n%s", diff)
		}
		_ = quiet
	})
}

// TestTallyCopiesNothing: what a scrape allocates does not grow with the swarm.
func TestTallyCopiesNothing(t *testing.T) {
	allocations := func(drivers int) float64 {
		r, _ := large(t, drivers)
		r.Offer(swarm.Issue{Seq: 1, Command: set10, Deadline: time.Second})
		return testing.AllocsPerRun(5, func() {
			if got := r.Tally(); got.Active != drivers || got.Target != int64(10*drivers) {
				t.Errorf("%d drivers: %+v", drivers, got)
			}
			<-r.readers // without the pause between readers
			r.readers <- time.Time{}
		})
	}
	few, many := allocations(10), allocations(10_000)
	if few != many {
		t.Errorf("%v allocations for 10 drivers, %v for 10,000", few, many)
	}
}
