package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	api "github.com/swarmcall/swarmcall/api/client"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/console"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

type nodesCmd struct {
	connection
	output
}

// Run prints the nodes. What deserves attention is also on stderr, in words.
func (c *nodesCmd) Run(ctx context.Context, s streams) error {
	server, err := c.dial(s, "")
	if err != nil {
		return err
	}
	defer server.CloseIdle()
	page, err := server.Nodes(ctx)
	if err != nil {
		return err
	}
	server.line.Say("%s", nodeCounts(page.Items))
	for _, n := range page.Items {
		if trouble := nodeTrouble(n); trouble != "" {
			server.line.Say("%s: %s", n.Name, trouble)
		}
	}
	return console.Print(s.out, c.format(), nodeRows(page, time.Now()))
}

// nodeOf converts what the state of a node depends on.
func nodeOf(n api.Node) swarm.Node {
	return swarm.Node{
		Self: n.Self, Alive: n.Alive, Draining: n.Draining, Lag: uint64(max(n.Lag, 0)),
		RosterAge: milliseconds(n.RosterAgeMs), Embedded: n.LeaseLeftMs == nil,
	}
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }

// nodeCounts says how many nodes are in each state that some node is in.
func nodeCounts(nodes []api.Node) string {
	counts := map[swarm.NodeState]int{}
	for _, n := range nodes {
		counts[nodeOf(n).State()]++
	}
	var parts []string
	for _, state := range swarm.NodeStates() {
		if n := counts[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	if len(nodes) == 1 && nodeOf(nodes[0]).Embedded {
		parts = append(parts, "embedded log: this is the only node")
	}
	return strings.Join(parts, ", ")
}

// nodeTrouble says what is wrong with a node that the others may still count on; "" if nothing is.
func nodeTrouble(n api.Node) string {
	switch node := nodeOf(n); {
	case node.State() == swarm.NodeLost && n.Self:
		return "the node that answers has lost its node lease"
	case node.Silent():
		return "silent: it described its drivers " + age(node.RosterAge) + " ago; commands other than Stop are refused"
	case node.Lagging():
		return fmt.Sprintf("%d records behind the end of the log", n.Lag)
	}
	return ""
}

// age writes a duration in whole seconds.
func age(d time.Duration) string { return max(d, 0).Truncate(time.Second).String() }

var nodeColumns = []console.Column{
	{Name: "NODE"}, {Name: "STATE"}, {Name: "DRIVERS"}, {Name: "LAG"}, {Name: "LEASE"}, {Name: "ROSTER"},
	{Name: "VERSION"}, {Name: "UP"},
	{Name: "ADDRESS", Wide: true}, {Name: "POSITION", Wide: true}, {Name: "STARTED", Wide: true},
	{Name: "INSTANCE", Wide: true},
}

func nodeCells(n api.Node, now time.Time) []string {
	state, lease, roster, up, address := string(nodeOf(n).State()), "-", "-", "-", "-"
	if n.Self {
		state += " (this)"
	} else {
		roster = milliseconds(n.RosterAgeMs).String()
	}
	if n.LeaseLeftMs != nil {
		lease = milliseconds(*n.LeaseLeftMs).String()
	}
	if n.Alive {
		up = age(now.Sub(n.StartedAt.Time))
	}
	if n.Address != nil {
		address = *n.Address
	}
	return []string{
		n.Name, state, strconv.Itoa(n.Drivers), strconv.FormatInt(n.Lag, 10), lease, roster, n.Version, up,
		address, strconv.FormatInt(n.Position, 10), n.StartedAt.Format(time.RFC3339), n.Instance,
	}
}

func nodeRows(p remote.Page[api.Node], now time.Time) console.Rows {
	r := console.Rows{Columns: nodeColumns, Items: p.Raw}
	for _, n := range p.Items {
		r.Cells, r.Names = append(r.Cells, nodeCells(n, now)), append(r.Names, n.Name)
	}
	return r
}
