package drivers

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// nodes are worlds with one log, that tell each other about their drivers when a test says so.
type nodes struct {
	t      *testing.T
	worlds []*world
	sent   []uint64                  // by node: the newest revision that the others were sent
	queues [][][]swarm.RosterChanges // from a node to another one: sent, and not received yet
}

// inNodes runs test in a bubble with n nodes, which know that they know all drivers.
func inNodes(t *testing.T, n int, change func(*Config), test func(x *nodes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		x := &nodes{t: t, sent: make([]uint64, n)}
		for i := range n {
			w := openWorld(t, func(c *Config) {
				c.Shared, c.Node = true, nodeID(i)
				change(c)
			})
			defer w.close()
			w.r.SetSilent(nil, true)
			x.worlds = append(x.worlds, w)
			x.queues = append(x.queues, make([][]swarm.RosterChanges, n))
		}
		test(x)
	})
}

// inTwo is inNodes with two nodes.
func inTwo(t *testing.T, test func(x *nodes, a, b *world)) {
	t.Helper()
	inNodes(t, 2, func(*Config) {}, func(x *nodes) { test(x, x.worlds[0], x.worlds[1]) })
}

func nodeID(i int) swarm.NodeID {
	return swarm.NodeID{Name: string(rune('a' + i)), Instance: "1"}
}

// publish sends the others what has changed at a node.
func (x *nodes) publish(from int) {
	c := x.worlds[from].r.Changes(x.sent[from])
	x.sent[from] = c.To
	for to := range x.worlds {
		if to != from {
			x.queues[from][to] = append(x.queues[from][to], c)
		}
	}
}

// deliver lets a node receive the next changes of another one. It reports whether there were any.
func (x *nodes) deliver(from, to int) bool {
	q := x.queues[from][to]
	if len(q) == 0 {
		return false
	}
	x.queues[from][to] = q[1:]
	x.worlds[to].r.ApplyRoster(nodeID(from), q[0])
	return true
}

// lost makes a node believe that another one is lost. Later it hears of it again, and receives all its drivers.
func (x *nodes) lost(from, to int) {
	x.worlds[to].r.NodeLost(nodeID(from))
	x.queues[from][to] = []swarm.RosterChanges{x.worlds[from].r.Changes(0)}
}

// exchange lets all nodes tell each other everything.
func (x *nodes) exchange() {
	for range 3 { // what a node learns can end a session, which it tells the others
		synctest.Wait()
		for from := range x.worlds {
			x.publish(from)
			for to := range x.worlds {
				for x.deliver(from, to) {
				}
			}
		}
	}
	synctest.Wait()
}

// view is what a node knows of a driver; two nodes that know all drivers have the same.
type view struct {
	Home, Session string
	State         swarm.DriverState
	ConnectedAt   time.Time
	Players       int64
	Deregistered  bool
}

func (w *world) views() map[string]view {
	out := map[string]view{}
	for _, d := range w.r.Drivers() {
		w.r.mu.Lock()
		m := w.r.members[d.ID]
		home := w.r.cfg.Node.Name
		if m.away != nil {
			home = m.away.node.Name
		}
		out[d.ID] = view{home, m.registration.Session, d.State, d.ConnectedAt.UTC(), d.Reported.Players,
			w.r.former.deregistered(d.ID)}
		w.r.mu.Unlock()
	}
	return out
}

// counted returns what is wrong with the numbers of connected drivers, "" for nothing.
func (w *world) counted() string {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	open, elsewhere := 0, 0
	for _, m := range w.r.members {
		switch {
		case m.hasSession():
			open++
		case m.open() && m.away == nil:
			return m.id + " is connected here and has no session"
		case m.open():
			elsewhere++
		}
	}
	if open != w.r.open || elsewhere != w.r.elsewhere || open != len(w.r.connected()) {
		return fmt.Sprintf("%d sessions are counted as %d, and %d elsewhere as %d", open, w.r.open, elsewhere,
			w.r.elsewhere)
	}
	return ""
}

// agree returns how the nodes differ, "" if they do not.
func (x *nodes) agree() string {
	first := x.worlds[0].views()
	for i, w := range x.worlds {
		if diff := cmp.Diff(first, w.views()); diff != "" {
			return fmt.Sprintf("nodes a and %s differ:\n%s", nodeID(i).Name, diff)
		}
		if problem := w.counted(); problem != "" {
			return problem
		}
	}
	sessions := map[string]int{}
	for _, w := range x.worlds {
		w.r.mu.Lock()
		for _, m := range w.r.connected() {
			if sessions[m.id]++; sessions[m.id] > 1 || first[m.id].Home != w.r.cfg.Node.Name {
				w.r.mu.Unlock()
				return m.id + " has a session that is not the newest one"
			}
		}
		w.r.mu.Unlock()
	}
	return ""
}

// TestNodesAgree: whatever drivers do, and however long the nodes do not hear of it, when they have told each other
// everything they know the same.
func TestNodesAgree(t *testing.T) {
	const n, drivers = 3, 4
	type step struct {
		What                 string
		From, To, Driver, On int
	}
	draw := rapid.Custom(func(rt *rapid.T) step {
		return step{
			What: rapid.SampledFrom([]string{"join", "join", "join", "lose", "leave", "beat", "publish", "publish",
				"deliver", "deliver", "deliver", "whole", "node lost", "wait", "forget"}).Draw(rt, "what"),
			From:   rapid.IntRange(0, n-1).Draw(rt, "from"),
			To:     rapid.IntRange(0, n-1).Draw(rt, "to"),
			Driver: rapid.IntRange(0, drivers-1).Draw(rt, "driver"),
			On:     rapid.IntRange(0, 8).Draw(rt, "number"),
		}
	})
	short := func(c *Config) { c.ForgetAfter, c.LeaseTTL = 100*time.Second, time.Minute }
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(draw, 5, 40).Draw(rt, "steps")
		problem := ""
		inNodes(t, n, short, func(x *nodes) {
			conns := map[int][]*peer{}
			some := func(s step) *websocket.Conn { // a connection of a driver, maybe one that has ended
				if all := conns[s.Driver]; len(all) > 0 {
					return all[s.On%len(all)].ws
				}
				return nil
			}
			send := func(ws *websocket.Conn, frame string) {
				if ws != nil {
					_ = ws.Write(x.t.Context(), websocket.MessageText, []byte(frame)) // or it has ended
				}
			}
			for _, s := range steps {
				switch s.What {
				case "join":
					p, _ := x.worlds[s.From].join(fmt.Sprint("d-", s.Driver),
						fmt.Sprintf(`,"instance":"%d","state":{"players":%d}`, s.On%2, s.On))
					conns[s.Driver] = append(conns[s.Driver], p)
				case "lose":
					if ws := some(s); ws != nil {
						_ = ws.CloseNow()
					}
				case "leave":
					send(some(s), `{"type":"deregister"}`)
				case "beat":
					send(some(s), fmt.Sprintf(`{"type":"heartbeat","state":{"players":%d}}`, 10+s.On))
				case "publish":
					x.publish(s.From)
				case "deliver":
					x.deliver(s.From, s.To)
				case "whole":
					if s.From != s.To {
						x.queues[s.From][s.To] = append(x.queues[s.From][s.To], x.worlds[s.From].r.Changes(0))
					}
				case "node lost":
					if s.From != s.To {
						x.lost(s.From, s.To)
					}
				case "wait":
					swarmtest.Advance(time.Duration(s.On) * 300 * time.Millisecond)
				case "forget": // what is older than that has arrived everywhere
					x.exchange()
					swarmtest.Advance(time.Minute)
				}
				synctest.Wait()
			}
			swarmtest.Advance(4 * time.Second) // all are stale
			for driver := range conns {
				if driver%2 == 0 {
					send(conns[driver][len(conns[driver])-1].ws, `{"type":"heartbeat"}`)
				}
			}
			swarmtest.Advance(time.Second)
			x.exchange()
			problem = x.agree()
		})
		if problem != "" {
			rt.Fatalf("%s\nafter %s", problem, strings.ReplaceAll(fmt.Sprintf("%+v", steps), "} {", "}\n{"))
		}
	})
}

// names returns the ids of members, each with why it cannot answer.
func (w *world) members(choose bool) []string {
	var out []string
	for _, m := range w.r.Members(swarm.TargetQuery{Choose: choose}).Members {
		out = append(out, strings.TrimSpace(m.DriverID+" "+string(m.Lost)))
	}
	return out
}

func (w *world) expect(want ...string) {
	w.t.Helper()
	if got := w.members(false); !slices.Equal(got, want) {
		w.t.Errorf("members %v, want %v", got, want)
	}
}
