package nodes_test

import (
	"fmt"
	"testing"
)

// TestADriverMoves has a driver that connects to one node after the other, and a second process with the same driver
// id on another node, while commands are issued.
func TestADriverMoves(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	l := newLoad(t, c)
	l.start("move")
	movers := newGroup(t)
	first := movers.raw(&raw{
		recorder: recorder{id: "mover"}, instance: "first", labels: map[string]string{"pool": "crowd"}, urls: c.doors(),
	})
	l.goesOnWith(1)
	for range rounds(6, 100) {
		before := len(first.got())
		first.cut()
		eventually(t, "the driver receives commands at another node", func() bool { return len(first.got()) > before+3 })
	}
	rivals := newGroup(t)
	second := rivals.raw(&raw{
		recorder: recorder{id: "mover"}, instance: "second", labels: map[string]string{"pool": "crowd"},
		urls: turn(c.doors(), 1),
	})
	eventually(t, "the second process has had its turn", func() bool { return len(second.got()) > 0 })
	l.goesOnWith(1)
	rivals.leave()
	l.goesOnWith(1)
	l.stop()
	lines := c.settled()
	l.check(nil, l.all(), lines)
	verdicts(t, lines, "mover")
	first.checkApplied(t, lines, false, &second.recorder)
	t.Logf("sessions of the driver: %d, and %d of its rival; commands: %d, %d", first.sessions, second.sessions,
		len(first.got()), len(second.got()))
}

// goesOnWith is goesOn with some more drivers.
func (l *load) goesOnWith(more int) {
	l.t.Helper()
	for _, n := range l.c.nodes {
		eventually(l.t, fmt.Sprintf("%s sees all drivers", n.name), func() bool { return n.active() == l.drivers()+more })
	}
	before := l.accepted()
	eventually(l.t, "commands are accepted", func() bool { return l.accepted() >= before+10 })
}

// verdicts checks that a driver has one verdict for each command that it was a target of.
func verdicts(t *testing.T, lines []line, id string) {
	t.Helper()
	for _, r := range lines {
		count := 0
		for _, a := range r.Acked {
			if a.DriverID == id {
				count++
			}
		}
		for _, m := range r.Missing {
			if m.DriverID == id {
				count++
			}
		}
		if count > 1 {
			t.Errorf("entry %d has %d verdicts of %s", r.Seq, count, id)
		}
	}
}
