package web_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web"
)

// TestNodesAreLive: a node that is lost while the page is shown becomes a lost row and a notice.
func TestNodesAreLive(t *testing.T) {
	s := webtest.NewSwarm(webtest.Drivers(), webtest.Entries())
	s.SetNodes(webtest.Nodes()[0], webtest.Nodes()[1])
	server := serveLive(t, s, func(c *web.Config) { c.Tick = 50 * time.Millisecond })
	_, body := get(t, server.URL+"/ui/nodes")
	for _, want := range []string{
		`id="n-eu-2"`, "2 nodes, shared log: 1 alive, 1 draining", "answered by <bdi>eu-1</bdi>",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	if strings.Contains(body, "is lost") || strings.Contains(body, "embedded") {
		t.Error("the page tells of what is not so")
	}
	events := watch(t, server.URL, "topic=/ui/nodes", "")
	next(t, events, func(e event) bool { return e.name == "hello" })
	lost := webtest.Nodes()[4]
	lost.Name = "eu-2"
	s.SetNodes(webtest.Nodes()[0], lost)
	next(t, events, func(e event) bool {
		return strings.Contains(e.data, "is lost: its node lease has ended") && strings.Contains(e.data, "n-eu-2")
	})
}
