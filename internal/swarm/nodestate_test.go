package swarm

import (
	"testing"
	"time"
)

// TestNodeState: a node that stopped in order is not lost, and only a living node is silent or lags.
func TestNodeState(t *testing.T) {
	for _, tc := range []struct {
		node            Node
		want            NodeState
		silent, lagging bool
	}{
		{Node{Alive: true}, NodeAlive, false, false},
		{Node{Alive: true, Draining: true}, NodeDraining, false, false},
		{Node{Draining: true}, NodeStopped, false, false},
		{Node{}, NodeLost, false, false},
		{Node{Alive: true, RosterAge: SilentAfter, Lag: LagsFrom - 1}, NodeAlive, false, false},
		{Node{Alive: true, RosterAge: SilentAfter + time.Millisecond, Lag: LagsFrom}, NodeAlive, true, true},
		{Node{Alive: true, Self: true, RosterAge: time.Minute}, NodeAlive, false, false},
		{Node{RosterAge: time.Minute, Lag: LagsFrom}, NodeLost, false, false},
	} {
		if got := tc.node.State(); got != tc.want || tc.node.Silent() != tc.silent || tc.node.Lagging() != tc.lagging {
			t.Errorf("%+v: %s, silent %v, lagging %v", tc.node, got, tc.node.Silent(), tc.node.Lagging())
		}
	}
}
