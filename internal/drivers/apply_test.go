package drivers

import (
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// TestADriverOfAnotherNodeIsShown as it is at its own node, in every list.
func TestADriverOfAnotherNodeIsShown(t *testing.T) {
	inTwo(t, func(x *nodes, a, b *world) {
		p, _ := a.as(token("alice")).join("d-1", `,"labels":{"region":"eu"},"version":"1.2","instance":"i","weight":2,`+
			`"capabilities":["set_players","stop"],"state":{"players":0}`)
		for _, w := range x.worlds {
			w.offer(2, set10, "d-1")
		}
		p.command()
		p.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		p.send(`{"type":"heartbeat","applied_seq":2,"state":{"players":10,"running":true},"metrics":{"rps":1.5}}`)
		synctest.Wait()
		for range 3 {
			a.r.DeadlineMissed([]string{"d-1"})
		}
		x.exchange()
		for _, w := range x.worlds {
			if got := w.r.Members(swarm.TargetQuery{}); len(got.Members) != 1 || !got.Members[0].Unresponsive ||
				got.Members[0].Share.Weight != 2000 || got.Incomplete {
				t.Errorf("targets %+v", got)
			}
			if s := w.r.State(swarm.StateQuery{}); s.Converged != 1 || s.Rules[0].Matching != 1 {
				t.Errorf("state %+v", s)
			}
		}
		here, _ := a.r.Driver("d-1")
		there, _ := b.r.Driver("d-1")
		if diff := cmp.Diff(here, there, cmpopts.EquateApproxTime(0)); diff != "" {
			t.Errorf("(-here +there):\n%s", diff)
		}
		if diff := cmp.Diff(a.r.Tally(), b.r.Tally()); diff != "" {
			t.Errorf("tally (-here +there):\n%s", diff)
		}
		b.as(token("bob"))
		if _, code, _ := b.try("d-1", ""); code != wire.CloseNotYours {
			t.Errorf("the id of alice: closed with %d", code)
		}
		e := swarm.Entry{Seq: 3, Issued: &swarm.Issued{Command: stop, Targets: []string{"d-1"}}}
		if got := b.r.Stopped(e); got.Stopped != 0 {
			t.Errorf("stopped %+v", got)
		}
		p.leave()
		x.exchange()
		if got := b.r.Stopped(e); got.Stopped != 1 {
			t.Errorf("it has deregistered: %+v", got)
		}
	})
}

// TestEachNodeCountsMissedDeadlinesOfItsOwnDrivers: it also knows of their answers since.
func TestEachNodeCountsMissedDeadlinesOfItsOwnDrivers(t *testing.T) {
	inTwo(t, func(x *nodes, a, b *world) {
		a.join("d-1", "")
		x.exchange()
		for range swarm.MissesToFlag {
			b.r.DeadlineMissed([]string{"d-1"})
		}
		if d, _ := b.r.Driver("d-1"); d.Unresponsive {
			t.Error("a node counts for the driver of another one")
		}
	})
}

// TestADriverMoves: its older session ends, its rounds go on, and each node knows where it is.
func TestADriverMoves(t *testing.T) {
	for name, tc := range map[string]struct {
		old, now  string
		code      wire.CloseCode // 0: the connection is cut
		takeovers int
	}{
		"another process":  {"one", "two", wire.CloseSuperseded, 1},
		"the same process": {"one", "one", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inNodes(t, 3, func(*Config) {}, func(x *nodes) {
				a, b, c := x.worlds[0], x.worlds[1], x.worlds[2]
				p, _ := a.join("d-1", `,"instance":"`+tc.old+`"`)
				x.exchange()
				a.offer(2, set10, "d-1")
				b.join("d-1", `,"instance":"`+tc.now+`"`)
				x.exchange()
				if tc.code != 0 {
					if code, _ := p.closed(); wire.CloseCode(code) != tc.code {
						t.Errorf("closed with %d, want %d", code, tc.code)
					}
				} else if _, _, err := p.ws.Read(p.t.Context()); err == nil {
					t.Error("the connection of the same process is not cut")
				}
				synctest.Wait()
				if events := a.sink.all(); len(events) != 0 {
					t.Errorf("a reported %v", events)
				}
				for _, w := range x.worlds {
					if v := w.views()["d-1"]; v.Home != "b" || v.State != swarm.Active || w.takeovers("d-1") != tc.takeovers {
						t.Errorf("%s knows %+v, %d takeovers", w.r.cfg.Node.Name, v, w.takeovers("d-1"))
					}
				}
				if got := a.r.Offer(swarm.Issue{Seq: 3, Command: stop, Targets: []string{"d-1"}}); len(got.Undelivered) > 0 {
					t.Errorf("%+v", got)
				}
				_ = c
			})
		})
	}
}

// TestTwoProcessesWithOneIDOnTwoNodes are a conflict on every node, with the addresses of both.
func TestTwoProcessesWithOneIDOnTwoNodes(t *testing.T) {
	log := &logged{}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	inNodes(t, 3, func(c *Config) { c.Logger = logger }, func(x *nodes) {
		for i := range 4 {
			x.worlds[i%2].join("d-1", fmt.Sprintf(`,"instance":"%d"`, i))
			x.exchange()
			<-time.After(time.Second)
		}
		for _, w := range x.worlds {
			d, _ := w.r.Driver("d-1")
			if c := d.Conflict; c == nil || c.Takeovers != 3 || slices.Contains(c.RemoteAddrs[:], "") {
				t.Errorf("%s shows %+v", w.r.cfg.Node.Name, c)
			}
		}
		if n := log.count("several processes"); n != 1 {
			t.Errorf("%d warnings", n)
		}
	})
}

// TestBetweenTwoNodesADriverIsLost and not unknown: its old node says first that it has moved.
func TestBetweenTwoNodesADriverIsLost(t *testing.T) {
	inNodes(t, 3, func(*Config) {}, func(x *nodes) {
		a, b, c := x.worlds[0], x.worlds[1], x.worlds[2]
		a.join("d-1", "")
		x.exchange()
		b.join("d-1", "")
		x.publish(1)
		x.deliver(1, 0)
		x.publish(0)
		x.deliver(0, 2)
		c.expect("d-1 disconnected")
		x.deliver(1, 2)
		c.expect("d-1")
	})
}

// TestDeparturesOfOthersAreIgnored: of a node that does not have the driver, and of an older session.
func TestDeparturesOfOthersAreIgnored(t *testing.T) {
	inTwo(t, func(x *nodes, a, b *world) {
		a.join("d-1", "")
		x.exchange()
		p := a.r.Changes(0).Present[0]
		for _, deregistered := range []bool{false, true} {
			for node, session := range map[string]string{"a": "another", "c": p.Session} {
				b.r.ApplyRoster(swarm.NodeID{Name: node, Instance: "1"}, swarm.RosterChanges{Departed: []swarm.Departure{{
					DriverID: "d-1", Session: session, At: time.Now(), Deregistered: deregistered,
				}}})
			}
		}
		b.expect("d-1")
		// without the time of the registration, which an older node does not send
		b.r.ApplyRoster(nodeID(0), swarm.RosterChanges{Departed: []swarm.Departure{{
			DriverID: "d-1", Session: p.Session, At: time.Now(), Deregistered: true,
		}}})
		b.expect()
	})
}

// TestWholeRostersDropTheOthers that the node does not have any more.
func TestWholeRostersDropTheOthers(t *testing.T) {
	inTwo(t, func(x *nodes, a, b *world) {
		a.join("d-1", "")
		a.join("d-2", "")
		b.join("d-3", "")
		x.exchange()
		c := a.r.Changes(0)
		c.Present = c.Present[:1]
		b.r.ApplyRoster(nodeID(0), c)
		b.expect("d-1", "d-3")
		if problem := b.counted(); problem != "" {
			t.Error(problem)
		}
	})
}

// TestANodeIsLost with the drivers that have not registered elsewhere since.
func TestANodeIsLost(t *testing.T) {
	inNodes(t, 3, func(*Config) {}, func(x *nodes) {
		a, b, c := x.worlds[0], x.worlds[1], x.worlds[2]
		for i := range 3 {
			a.join(fmt.Sprint("d-", i), "")
		}
		x.exchange()
		b.join("d-1", "")
		x.publish(1)
		x.deliver(1, 2)
		// a new instance of the node has d-2
		p := a.r.Changes(0).Present[2]
		p.Joined, p.Session = p.Joined.Add(time.Second), "new"
		again := swarm.NodeID{Name: "a", Instance: "2"}
		c.r.ApplyRoster(again, swarm.RosterChanges{Whole: true, Present: []swarm.Presence{p}})
		c.r.NodeLost(nodeID(0))
		c.expect("d-0 disconnected", "d-1", "d-2")
		if got := c.sink.all(); !slices.Equal(got, []string{`["disconnected","d-0","node_lost"]`}) {
			t.Errorf("reported %v", got)
		}
		if d, _ := c.r.Driver("d-0"); d.State != swarm.Disconnected {
			t.Errorf("%+v", d)
		}
		<-time.After(forget + time.Second)
		if _, known := c.r.Driver("d-0"); known {
			t.Error("it is not forgotten")
		}
	})
}

// TestASilentNode: its drivers cannot be targets, and not all drivers are known.
func TestASilentNode(t *testing.T) {
	inTwo(t, func(x *nodes, a, b *world) {
		a.join("d-1", "")
		b.join("d-2", "")
		x.exchange()
		b.r.SetSilent([]string{"a"}, true)
		b.expect("d-1 node_lost", "d-2")
		if !b.r.Members(swarm.TargetQuery{}).Incomplete {
			t.Error("said to be complete")
		}
		if d, _ := b.r.Driver("d-1"); d.State != swarm.Stale {
			t.Errorf("%+v", d)
		}
		b.r.SetSilent(nil, false)
		b.expect("d-1", "d-2")
		if !b.r.Members(swarm.TargetQuery{}).Incomplete {
			t.Error("said to be complete before every node has described its drivers")
		}
		b.r.SetSilent(nil, true)
		if b.r.Members(swarm.TargetQuery{}).Incomplete {
			t.Error("said to be incomplete")
		}
	})
}

// TestARetiringDriverIsNoTargetElsewhere.
func TestARetiringDriverIsNoTargetElsewhere(t *testing.T) {
	inTwo(t, func(x *nodes, a, b *world) {
		a.join("d-1", "")
		a.r.Retire()
		x.exchange()
		if got := b.members(true); !slices.Equal(got, []string{"d-1 disconnected"}) {
			t.Errorf("chosen %v", got)
		}
		b.expect("d-1") // it still answers what it has received
		b.r.Settled()
	})
}

// TestWhoDecidesThatACommandIsUndelivered.
func TestWhoDecidesThatACommandIsUndelivered(t *testing.T) {
	inTwo(t, func(x *nodes, a, b *world) {
		a.join("here", "")
		lost, _ := a.join("lost", "")
		left, _ := a.join("left", "")
		b.join("there", "")
		lostThere, _ := b.join("lost-there", "")
		leftThere, _ := b.join("left-there", "")
		x.exchange()
		_, _ = lost.ws.CloseNow(), lostThere.ws.CloseNow()
		left.leave()
		leftThere.leave()
		x.exchange()
		ids := []string{"here", "left", "left-there", "lost", "lost-there", "there", "unknown"}
		for foreign, want := range map[bool][]string{
			false: {"left", "left-there", "lost", "lost-there", "unknown"},
			true:  {"left", "lost"},
		} {
			got := a.r.Offer(swarm.Issue{Seq: a.r.Last() + 1, Command: stop, Targets: ids, Foreign: foreign}).Undelivered
			if !slices.Equal(got, want) {
				t.Errorf("foreign %v: undelivered %v, want %v", foreign, got, want)
			}
		}
	})
}

// TestWhatOtherNodesSayIsChecked as frames of drivers are.
func TestWhatOtherNodesSayIsChecked(t *testing.T) {
	long := strings.Repeat("x", 300)
	many := map[string]string{}
	for i := range swarm.MaxLabels + 1 {
		many[fmt.Sprint("k", i)] = "v"
	}
	metrics := map[string]float64{}
	for i := range wire.MaxMetrics + 1 {
		metrics[fmt.Sprint("m", i)] = 1
	}
	for name, spoil := range map[string]func(p *swarm.Presence){
		"no id":               func(p *swarm.Presence) { p.ID = "" },
		"an id with a space":  func(p *swarm.Presence) { p.ID = "a b" },
		"many labels":         func(p *swarm.Presence) { p.Labels = many },
		"a long label":        func(p *swarm.Presence) { p.Labels = map[string]string{"k": long} },
		"a long version":      func(p *swarm.Presence) { p.Version = long },
		"a long instance":     func(p *swarm.Presence) { p.Instance = long },
		"a long session":      func(p *swarm.Presence) { p.Session = long },
		"no session":          func(p *swarm.Presence) { p.Session = "" },
		"a long owner":        func(p *swarm.Presence) { p.Owner = long },
		"a long address":      func(p *swarm.Presence) { p.RemoteAddr = long },
		"many capabilities":   func(p *swarm.Presence) { p.Capabilities = make([]string, maxCapabilities+1) },
		"an unknown state":    func(p *swarm.Presence) { p.State = "well" },
		"no weight":           func(p *swarm.Presence) { p.Share.Weight = 0 },
		"a large weight":      func(p *swarm.Presence) { p.Share.Weight = math.MaxUint64 },
		"a negative cap":      func(p *swarm.Presence) { p.Share.Cap = -1 },
		"a negative report":   func(p *swarm.Presence) { p.Reported.Players = -1 },
		"a time of year 9999": func(p *swarm.Presence) { p.Joined = time.Unix(math.MaxInt32<<8, 0) },
		"an unknown slot":     func(p *swarm.Presence) { p.Refused = map[command.Slot]uint64{9: 1} },
		"many metrics":        func(p *swarm.Presence) { p.Metrics = metrics },
		"no number":           func(p *swarm.Presence) { p.Metrics = map[string]float64{"m": math.NaN()} },
		"a negative latency":  func(p *swarm.Presence) { p.LastAck = &swarm.LastAck{Latency: -1} },
		"a long conflict":     func(p *swarm.Presence) { p.Conflict = &swarm.Conflict{RemoteAddrs: [2]string{long, ""}} },
	} {
		inTwo(t, func(_ *nodes, a, b *world) {
			a.join("d-1", "")
			c := a.r.Changes(0)
			spoil(&c.Present[0])
			b.r.ApplyRoster(nodeID(0), c)
			if got := b.members(false); len(got) != 0 || b.r.rosters.ignored != 1 {
				t.Errorf("%s: members %v, %d ignored", name, got, b.r.rosters.ignored)
			}
		})
	}
}

// TestOtherNodesCannotFillTheMemory, nor speak for this node.
func TestOtherNodesCannotFillTheMemory(t *testing.T) {
	log := &logged{}
	logger := slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn}))
	limited := func(c *Config) { c.MaxDrivers, c.Logger = 5, logger }
	inNodes(t, 2, limited, func(x *nodes) {
		a, b := x.worlds[0], x.worlds[1]
		a.join("d-0", "")
		p := a.r.Changes(0).Present[0]
		var c swarm.RosterChanges
		for i := range 30 {
			p.ID, p.Session = fmt.Sprintf("d-%02d", i), fmt.Sprint(i)
			c.Present = append(c.Present, p)
		}
		b.r.ApplyRoster(nodeID(0), c)
		if n := len(b.r.Drivers()); n != 10 {
			t.Errorf("%d drivers are known, want twice the limit", n)
		}
		b.r.ApplyRoster(nodeID(1), c)
		b.r.ApplyRoster(swarm.NodeID{}, c)
		if b.r.rosters.ignored != 20+2*30 || log.count("is not valid, and is ignored") != 1 {
			t.Errorf("%d ignored:\n%s", b.r.rosters.ignored, log.b.String())
		}
	})
}

// TestANewRegistrationIsNewer than what is known from nodes whose clock or log is ahead.
func TestANewRegistrationIsNewer(t *testing.T) {
	inTwo(t, func(x *nodes, a, b *world) {
		a.join("d-1", "")
		p := a.r.Changes(0).Present[0]
		p.JoinedAt, p.Joined, p.Session = 900, p.Joined.Add(time.Hour), "ahead"
		b.r.ApplyRoster(nodeID(0), swarm.RosterChanges{Present: []swarm.Presence{p}})
		b.join("d-1", "")
		now := b.r.Changes(0).Present[0]
		if !now.Registration("b").Newer(p.Registration("a")) {
			t.Errorf("%+v is not newer than %+v", now.Registration("b"), p.Registration("a"))
		}
		x.exchange()
		if problem := x.agree(); problem != "" || a.views()["d-1"].Home != "b" {
			t.Errorf("%s %+v", problem, a.views())
		}
	})
}
