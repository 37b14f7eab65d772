package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

func withNodes(nodes ...swarm.Node) func(*Config) {
	return func(c *Config) { c.Nodes = func() []swarm.Node { return append([]swarm.Node{}, nodes...) } }
}

// TestNodes: each figure is that of the node, and only an embedded log has no node lease.
func TestNodes(t *testing.T) {
	started := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	w := newWorld(t, withNodes(
		swarm.Node{
			NodeID: swarm.NodeID{Name: "a", Instance: "a1"}, Version: "v1", Address: "192.0.2.1:8080", Self: true, Alive: true,
			Drivers: 12, Position: 70, LeaseLeft: 4200 * time.Millisecond, StartedAt: started,
		},
		swarm.Node{
			NodeID: swarm.NodeID{Name: "b", Instance: "b7"}, Version: "v2", Draining: true, Drivers: 3, Position: 60, Lag: 10,
			RosterAge: 7 * time.Second, StartedAt: started,
		},
	))
	const want = `{"items":[{"name":"a","instance":"a1","version":"v1","address":"192.0.2.1:8080","self":true,` +
		`"alive":true,"draining":false,"drivers":12,"position":70,"lag":0,"roster_age_ms":0,"lease_left_ms":4200,` +
		`"started_at":"2026-11-25T12:00:00.000Z"},{"name":"b","instance":"b7","version":"v2","self":false,"alive":false,` +
		`"draining":true,"drivers":3,"position":60,"lag":10,"roster_age_ms":7000,"lease_left_ms":0,` +
		`"started_at":"2026-11-25T12:00:00.000Z"}],"next_cursor":null}`
	if got := strings.TrimSpace(w.do(t, "GET", "/nodes", "").body); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	local := swarm.Node{NodeID: swarm.NodeID{Name: "local"}, Self: true, Embedded: true, Alive: true}
	alone := newWorld(t, withNodes(local))
	if body := alone.do(t, "GET", "/nodes", "").body; strings.Contains(body, "lease_left_ms") {
		t.Errorf("an embedded log with a node lease: %s", body)
	}
}

// TestNodePages: pages in the order of names, each node once. A cursor of another list is refused.
func TestNodePages(t *testing.T) {
	var nodes []swarm.Node
	for i := range 5 {
		nodes = append(nodes, swarm.Node{NodeID: swarm.NodeID{Name: fmt.Sprintf("n-%d", i)}, Alive: true})
	}
	w := newWorld(t, withNodes(nodes...))
	for query, want := range map[string]string{
		"": "[n-0 n-1 n-2 n-3 n-4]", "?limit=1": "[n-0 n-1 n-2 n-3 n-4]", "?limit=2": "[n-0 n-1 n-2 n-3 n-4]",
		"?limit=5": "[n-0 n-1 n-2 n-3 n-4]",
	} {
		if got := fmt.Sprint(w.follow(t, "/nodes"+query, "name", func() {})); got != want {
			t.Errorf("%q: got %s, want %s", query, got, want)
		}
	}
	w.do(t, "GET", "/nodes?cursor="+cursorOf(afterID, "n-1"), "").refused(t, http.StatusBadRequest, "bad_request")
	w.do(t, "GET", "/drivers?cursor="+cursorOf(afterNode, "n-1"), "").refused(t, http.StatusBadRequest, "bad_request")
	w.do(t, "GET", "/nodes?alive=true", "").refused(t, http.StatusBadRequest, "bad_request")
}
