package nodes_test

import (
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestWithoutNATS takes NATS away from all nodes: they refuse commands, do not renew the leases of drivers for ever, and
// take a Stop at once when NATS is back.
func TestWithoutNATS(t *testing.T) {
	t.Parallel()
	c := newCluster(t, "--lease-ttl", "4s")
	g := newGroup(t)
	all := g.sdks(t, c.urls, "crowd", 3)
	c.joined(len(all))
	load := c.nodes[0].mustPost(command{submitter: "load", players: 5})

	for _, n := range c.nodes {
		n.client.http.Timeout = patience // an append is given up after 10 s, and others may wait behind it
		n.link.Cut()
	}
	for _, n := range c.nodes {
		eventually(t, n.name+" says that it is not ready", func() bool { return !n.ready() })
	}
	var asking sync.WaitGroup
	for _, n := range c.nodes {
		asking.Go(func() { refuses(t, n) })
	}
	asking.Wait()
	for _, d := range all {
		eventually(t, d.id+" stops by itself", func() bool { return d.last().stop })
		if s := d.last(); s.seq > load.Seq {
			t.Errorf("%s was stopped by %+v", d.id, s)
		}
	}

	for _, n := range c.nodes {
		n.link.Heal()
	}
	back := time.Now()
	var stop entry
	eventually(t, "a Stop is accepted", func() bool {
		a, err := c.nodes[1].client.post(t.Context(), command{submitter: "stop", stop: true, key: "stop"})
		stop = a.entry
		return err == nil && a.accepted()
	})
	t.Logf("a Stop was accepted %.1f s after NATS was back", time.Since(back).Seconds())
	c.ready()
	c.joined(len(all))
	for _, d := range all {
		eventually(t, d.id+" has applied the Stop", func() bool { return d.last().seq == stop.Seq })
	}
	for _, l := range c.settled() {
		if strings.HasPrefix(l.Submitter, "refused") {
			t.Logf("refused with 503, and logged after all: %+v", l) // the answer said that this may be
		}
	}
}

// refuses checks that a node refuses commands, says when to ask again, and is not ready.
func refuses(t *testing.T, n *node) {
	t.Helper()
	for _, stop := range []bool{false, true} {
		asked := time.Now()
		a, err := n.client.post(t.Context(), command{submitter: "refused", players: 1, stop: stop})
		t.Logf("%s refused a command after %.1f s", n.name, time.Since(asked).Seconds())
		if err != nil || a.status != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s %v", n.name, a.status, a.body, err)
		}
		if s, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || s < 1 {
			t.Errorf("%s: Retry-After %q", n.name, a.header.Get("Retry-After"))
		}
	}
	a, err := n.client.do(t.Context(), http.MethodGet, "/readyz", nil, "")
	if err != nil || a.status != http.StatusServiceUnavailable || a.header.Get("Retry-After") == "" {
		t.Errorf("%s: readyz %d %v %s %v", n.name, a.status, a.header, a.body, err)
	}
}
