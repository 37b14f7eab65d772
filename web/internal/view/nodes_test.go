package view_test

import (
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// TestNodesShowTheTruthFirst: a notice for each node that deserves attention, the worst first; figures of a node that
// is gone are not shown as present.
func TestNodesShowTheTruthFirst(t *testing.T) {
	m := view.NewNodes(view.World{Now: webtest.Now}, webtest.Nodes())
	var notices []string
	for _, n := range m.Notices {
		before, _, _ := strings.Cut(n.Text, ":")
		notices = append(notices, string(n.Tone)+" "+n.Name+" "+strings.Join(strings.Fields(before)[:2], " "))
	}
	if got := strings.Join(notices, ", "); got != "bad us-1 is silent, bad us-2 is lost, warn eu-3 is 2,500" {
		t.Errorf("notices: %s", got)
	}
	const says = "6 nodes, shared log: 3 alive, 1 draining, 1 stopped, 1 lost"
	if m.Says != says || m.Self != "eu-1" || m.Alone {
		t.Errorf("says %q of %q, alone %v", m.Says, m.Self, m.Alone)
	}
	for i, want := range []string{
		"ok|alive|2,100||0|4 s|–|3 h", "busy|draining|340||0|4 s|< 1 s|3 h",
		"warn|alive, lagging|1,900||2,500|4 s|< 1 s|3 h", "bad|alive, silent|2,000||0|< 1 s|4 s|3 h",
		"bad|lost|–|last 1,200|–|expired|31 s|–", "off|stopped|–||–|expired|12 s|–",
	} {
		r := m.Rows[i]
		got := strings.Join([]string{
			string(r.State.Tone), r.State.Word, r.Drivers, r.Last, r.Lag, r.Lease, r.Roster, r.Up,
		}, "|")
		if got != want || r.Self != (i == 0) {
			t.Errorf("%s: %s, this node %v; want %s", r.Name, got, r.Self, want)
		}
	}
}

// TestTheOnlyNode: an embedded log has no lease and no other node, unlike a cluster of which one node is left.
func TestTheOnlyNode(t *testing.T) {
	w := view.World{Now: webtest.Now}
	m := view.NewNodes(w, []swarm.Node{webtest.Alone(5)})
	if m.Says != "1 node, embedded log" || !m.Alone || len(m.Notices) > 0 || m.Rows[0].Lease != "–" ||
		m.Rows[0].Up != "26 h" || m.Rows[0].Since.Clock != "24 Nov 10:04:31" {
		t.Errorf("%+v", m)
	}
	left := webtest.Nodes()[0]
	if m = view.NewNodes(w, []swarm.Node{left}); m.Alone || m.Says != "1 node, shared log: 1 alive" {
		t.Errorf("the last node of a cluster: %+v", m)
	}
	left.Alive, left.LeaseLeft = false, 0
	m = view.NewNodes(w, []swarm.Node{left})
	if len(m.Notices) != 1 || !strings.Contains(m.Notices[0].Text, "the node that answers") {
		t.Errorf("a node without its lease: %+v", m.Notices)
	}
	ahead := webtest.Alone(0)
	ahead.StartedAt = webtest.Now.Add(time.Minute) // the clock was set back
	if up := view.NewNodes(w, []swarm.Node{ahead}).Rows[0].Up; up != "< 1 s" {
		t.Errorf("up %s", up)
	}
}
