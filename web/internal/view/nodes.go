package view

import (
	"strings"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Nodes is the page of nodes.
type Nodes struct {
	Says    string   // how many nodes there are, and in which states
	Self    string   // name of the node that answers
	Alone   bool     // the log is embedded: there can be no other node
	Notices []Notice // what deserves attention, the worst first
	Rows    []NodeRow
}

// Notice is what deserves attention about a node.
type Notice struct {
	Tone Tone
	Name string // of the node
	Text string // begins in the middle of a sentence, after the name
}

// NodeRow is one node in a list.
type NodeRow struct {
	Name    string
	Self    bool
	State   Badge
	Drivers string // "–" when it is unknown
	Last    string // "last 3": the last report of a node that is gone, or ""
	Lag     string
	Lease   string // time left
	Roster  string // age
	Version string
	Since   Moment // zero for a node that is gone
	Up      string // since then, or "–"
	Address string
}

// NewNodes shows nodes, which are sorted by name.
func NewNodes(w World, nodes []swarm.Node) Nodes {
	out := Nodes{Says: nodesInWords(nodes), Alone: len(nodes) == 1 && nodes[0].Embedded}
	for _, n := range nodes {
		if n.Self {
			out.Self = n.Name
		}
		out.Rows = append(out.Rows, newNodeRow(w, n))
	}
	for _, tone := range []Tone{Bad, Warn} {
		for _, n := range nodes {
			if notice := nodeNotice(n); notice.Tone == tone {
				out.Notices = append(out.Notices, notice)
			}
		}
	}
	return out
}

// nodesInWords counts the nodes by state.
func nodesInWords(nodes []swarm.Node) string {
	if len(nodes) == 1 && nodes[0].Embedded {
		return "1 node, embedded log"
	}
	counts := map[swarm.NodeState]int{}
	for _, n := range nodes {
		counts[n.State()]++
	}
	var parts []string
	for _, state := range swarm.NodeStates() {
		if n := counts[state]; n > 0 {
			parts = append(parts, Count(n)+" "+string(state))
		}
	}
	return Plural(len(nodes), "node") + ", shared log: " + strings.Join(parts, ", ")
}

// nodeNotice says what is wrong with a node and what follows from it. It has no tone if nothing is.
func nodeNotice(n swarm.Node) Notice {
	switch {
	case n.State() == swarm.NodeLost && n.Self:
		return Notice{Bad, n.Name, "has lost its node lease, and is the node that answers. Its drivers move to other " +
			"nodes, and what it shows of the others may be old."}
	case n.State() == swarm.NodeLost:
		return Notice{Bad, n.Name, "is lost: its node lease has ended. " + lastDrivers(n)}
	case n.Silent():
		return Notice{Bad, n.Name, "is silent: it last described its drivers " + Age(n.RosterAge) + " ago. Until it does " +
			"so again, commands other than Stop are refused."}
	case n.Lagging():
		return Notice{Warn, n.Name, "is " + Count(n.Lag) + " records behind the end of the log. Its drivers receive " +
			"commands late."}
	}
	return Notice{}
}

func lastDrivers(n swarm.Node) string {
	if n.Drivers == 0 {
		return "No driver was connected to it."
	}
	return "Drivers that were connected to it: " + Count(n.Drivers) + ". Each is missing until it connects to another " +
		"node."
}

func newNodeRow(w World, n swarm.Node) NodeRow {
	row := NodeRow{
		Name: n.Name, Self: n.Self, State: nodeBadge(n), Drivers: Count(n.Drivers), Lag: Count(n.Lag),
		Lease: leaseLeft(n), Roster: Age(n.RosterAge), Version: n.Version, Up: "–", Address: n.Address,
	}
	if n.Self {
		row.Roster = "–" // it knows its own drivers
	}
	if n.Alive {
		row.Since, row.Up = w.when(n.StartedAt), Age(max(0, w.Now.Sub(n.StartedAt)))
		return row
	}
	row.Drivers, row.Lag = "–", "–"
	if n.Drivers > 0 {
		row.Last = "last " + Count(n.Drivers)
	}
	return row
}

func leaseLeft(n swarm.Node) string {
	switch {
	case n.Embedded:
		return "–"
	case n.LeaseLeft <= 0:
		return "expired"
	}
	return Age(n.LeaseLeft)
}

// nodeBadge shows a node's state. It is not green for a node that is silent or lags.
func nodeBadge(n swarm.Node) Badge {
	state := n.State()
	switch {
	case n.Silent():
		return Badge{Bad, string(state) + ", silent"}
	case n.Lagging():
		return Badge{Warn, string(state) + ", lagging"}
	case state == swarm.NodeAlive:
		return Badge{OK, string(state)}
	case state == swarm.NodeDraining:
		return Badge{Busy, string(state)}
	case state == swarm.NodeLost:
		return Badge{Bad, string(state)}
	}
	return Badge{Off, string(state)}
}
