package nodes_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
)

const (
	submitters = 64
	perNode    = 2 // drivers
)

// TestNodesAreOneServer issues commands on all nodes to drivers on all nodes.
func TestNodesAreOneServer(t *testing.T) {
	c := newCluster(t)
	g := newGroup(t)
	var all []*recorder
	for _, n := range c.nodes { // one URL each, so that every node has drivers
		all = append(all, g.sdks(t, n.door.URL(), n.name, perNode)...)
	}
	c.joined(len(all))

	t.Run("one command reaches the drivers of all nodes", func(t *testing.T) {
		for i, n := range c.nodes {
			e := n.mustPost(command{submitter: "one", players: int64(i + 1)})
			if e.Counts.Targeted != len(all) || e.Counts.Acked != len(all) {
				t.Errorf("%+v", e)
			}
		}
	})
	t.Run("a crowd of submitters", func(t *testing.T) { c.crowd(t) })
	t.Run("a storm with one key", func(t *testing.T) { c.storm(t) })
	t.Run("a condition in a storm", func(t *testing.T) { c.conditions(t) })
	t.Run("an entry is on every node at once", func(t *testing.T) { c.readsAtOnce(t) })
	t.Run("an open entry is waited for", func(t *testing.T) { c.waits(t, g) })
	c.joined(len(all))
	t.Run("a total is split over all nodes", func(t *testing.T) {
		for i, n := range c.nodes {
			e := n.mustPost(command{submitter: "total", players: int64(1000 + i), total: true})
			c.checkTotal(t, e, all, int64(1000+i))
		}
	})

	lines := c.settled()
	c.checkStream()
	for _, d := range all {
		d.checkApplied(t, lines, true)
	}
	for _, path := range []string{
		"/state", "/drivers", "/commands?limit=1000", "/commands?limit=7&order=asc", "/commands?submitter=s-3", "/limits",
	} {
		c.same(path)
	}
}

// crowd has many submitters command all drivers at the same time.
func (c *cluster) crowd(t *testing.T) {
	t.Helper()
	var crowd sync.WaitGroup
	for s := range submitters {
		crowd.Go(func() {
			for i := range rounds(4, 50) {
				n := c.nodes[(s+i)%len(c.nodes)]
				cmd := command{submitter: fmt.Sprintf("s-%d", s), players: int64(i + 1), stop: (s+i)%7 == 0}
				if a, err := n.client.post(t.Context(), cmd); err != nil || !a.accepted() {
					t.Errorf("%s: %d %s %v", n.name, a.status, a.body, err)
				}
			}
		})
	}
	crowd.Wait()
}

// storm posts one request on all nodes at once, with one key.
func (c *cluster) storm(t *testing.T) {
	t.Helper()
	for round := range rounds(5, 100) {
		cmd := command{submitter: "storm", key: fmt.Sprintf("k-%d", round), players: int64(round + 1)}
		answers := c.flood(t, 12, func(int) command { return cmd })
		fresh := 0
		for _, a := range answers {
			if !a.accepted() || a.entry.Seq != answers[0].entry.Seq {
				t.Errorf("round %d: %d %s", round, a.status, a.body)
			}
			if !a.replayed {
				fresh++
			}
		}
		if fresh != 1 {
			t.Errorf("round %d: %d answers say that they are the first", round, fresh)
		}
	}
}

// flood posts commands at the same time, evenly over the nodes.
func (c *cluster) flood(t *testing.T, posts int, cmd func(i int) command) []answer {
	t.Helper()
	answers := make([]answer, posts)
	var all sync.WaitGroup
	for i := range posts {
		all.Go(func() {
			var err error
			if answers[i], err = c.nodes[i%len(c.nodes)].client.post(t.Context(), cmd(i)); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return answers
}

// conditions has many submitters replace the same command: one wins.
func (c *cluster) conditions(t *testing.T) {
	t.Helper()
	newest := c.nodes[0].mustPost(command{submitter: "before", players: 1}).Seq
	for round := range rounds(5, 100) {
		answers := c.flood(t, 12, func(i int) command {
			return command{submitter: fmt.Sprintf("if-%d", i), players: int64(round + 1), ifSeq: &newest}
		})
		won := slices.DeleteFunc(slices.Clone(answers), func(a answer) bool { return !a.accepted() })
		for _, a := range answers {
			if !a.accepted() && a.status != http.StatusPreconditionFailed {
				t.Errorf("round %d: %d %s", round, a.status, a.body)
			}
		}
		if len(won) != 1 {
			t.Fatalf("round %d: %d of %d replaced %d", round, len(won), len(answers), newest)
		}
		newest = won[0].entry.Seq
	}
}

// readsAtOnce reads an entry on another node as soon as it is answered, open or closed.
func (c *cluster) readsAtOnce(t *testing.T) {
	t.Helper()
	n := rounds(60, 1000)
	for i := range n {
		cmd := command{submitter: "read", players: int64(i + 1)}
		if i%2 == 0 {
			cmd.prefer = "respond-async"
		}
		e := c.nodes[i%3].mustPost(cmd)
		path := fmt.Sprintf("/commands/%d", e.Seq)
		for _, other := range []*node{c.nodes[(i+1)%3], c.nodes[(i+2)%3]} {
			a, err := other.client.do(t.Context(), http.MethodGet, path, nil, "")
			if err != nil || a.entry.Seq != e.Seq {
				t.Errorf("%s: %d %s %v", other.name, a.status, a.body, err)
			}
		}
	}
	t.Logf("reads of an entry that another node has answered: %d", 2*n)
}

// waits has one driver that holds its ack, and waits on another node for the outcome.
func (c *cluster) waits(t *testing.T, g *group) {
	t.Helper()
	release := make(chan struct{})
	slow := newGroup(t)
	slow.held(t, c.nodes[2].door.URL(), "held", release)
	eventually(t, "the driver is active", func() bool { return c.nodes[0].knows("held") && c.nodes[1].knows("held") })
	e := c.nodes[0].mustPost(command{
		submitter: "wait", players: 3, prefer: "respond-async", target: `{"driver_ids":["held"]}`,
	})
	path := fmt.Sprintf("/commands/%d", e.Seq)
	var outcomes sync.WaitGroup
	for _, n := range c.nodes {
		a, err := n.client.do(t.Context(), http.MethodGet, path+"?wait_ms=1", nil, "")
		if err != nil || a.entry.Status != "pending" {
			t.Errorf("%s: %d %s %v", n.name, a.status, a.body, err)
		}
		outcomes.Go(func() {
			a, err := n.client.do(t.Context(), http.MethodGet, path+"?wait_ms=9000", nil, "")
			if err != nil || a.entry.Status != "complete" || a.entry.Counts.Acked != 1 {
				t.Errorf("%s: %d %s %v", n.name, a.status, a.body, err)
			}
		})
	}
	close(release)
	outcomes.Wait()
	slow.leave()
	eventually(t, "the driver is gone", func() bool { return !c.nodes[0].knows("held") && !c.nodes[1].knows("held") })
	_ = g
}

// knows reports whether a driver is active, as a node sees it.
func (n *node) knows(id string) bool {
	var d struct{ State string }
	return n.client.get(context.Background(), "/drivers/"+id, &d) == nil && d.State == "active"
}

// checkTotal checks how a total was split, by the entry and by what the drivers run.
func (c *cluster) checkTotal(t *testing.T, e entry, all []*recorder, total int64) {
	t.Helper()
	sum, run := int64(0), int64(0)
	for _, p := range e.Split {
		sum += p.Players
	}
	for _, d := range all {
		if last := d.last(); last.seq == e.Seq {
			run += last.players
		}
	}
	if e.Counts.Acked != len(all) || run != total || len(e.Split) > 0 && sum != total {
		t.Errorf("a total of %d is split into %d, and run by %d players: %+v", total, sum, run, e)
	}
}
