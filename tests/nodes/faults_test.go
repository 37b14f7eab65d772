package nodes_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/cmdlog/logfile"
)

// fault breaks something under load, waits until the rest has got over it, and repairs it. It returns when everything
// runs again.
type fault struct {
	name string
	do   func(l *load, round int)
	// moves says that the nodes hand over their drivers in order, so that no verdict may be missing.
	moves bool
}

// nodeFaults break nodes, and their way to NATS.
var nodeFaults = []fault{
	{name: "kill -9 of a node", do: func(l *load, round int) {
		n := l.c.nodes[round%3]
		n.kill()
		l.c.lost(n)
		l.goesOn(n)
		n.start()
	}},
	{name: "SIGSTOP of a node", do: func(l *load, round int) {
		n := l.c.nodes[round%3]
		n.pause()
		l.c.lost(n)
		l.goesOn(n)
		if soak {
			<-time.After(30 * time.Second)
		}
		n.resume()
	}},
	{name: "a node cut off from NATS", do: func(l *load, round int) {
		n := l.c.nodes[round%3]
		if round%2 == 0 {
			n.link.Cut()
		} else {
			n.link.Silence()
		}
		l.c.lost(n)
		l.goesOn(n)
		eventually(l.t, n.name+" says that it is not ready", func() bool { return !n.ready() })
		n.link.Heal()
	}},
	{name: "nodes restarted in turn", moves: true, do: func(l *load, _ int) {
		for _, n := range l.c.nodes {
			n.stop()
			l.goesOn(n)
			n.start()
			l.c.ready()
		}
	}},
}

// natsFaults break NATS servers, and their ways to one another.
var natsFaults = []fault{
	{name: "kill -9 of the stream's leader", do: func(l *load, _ int) {
		leader := l.c.leader()
		l.c.nats.Servers[leader].Kill()
		l.goesOn(nil)
		l.c.nats.Servers[leader].Start()
	}},
	{name: "kill -9 of two NATS servers", do: func(l *load, _ int) {
		leader := l.c.leader()
		other := (leader + 1) % 3
		l.c.nats.Servers[leader].Kill()
		l.c.nats.Servers[other].Kill()
		for _, n := range l.c.nodes {
			eventually(l.t, n.name+" says that it is not ready", func() bool { return !n.ready() })
		}
		l.c.nats.Servers[leader].Start()
		l.c.nats.Servers[other].Start()
	}},
	{name: "the stream's leader cut off from the others", do: func(l *load, _ int) {
		leader := l.c.leader()
		l.c.nats.Isolate(leader)
		l.c.nats.OtherLeader(l.t.Context(), logfile.StreamName, leader)
		l.goesOn(nil)
		l.c.nats.Heal()
	}},
	{name: "NATS servers restarted in turn", do: func(l *load, _ int) {
		for _, s := range l.c.nats.Servers {
			s.Stop()
			l.goesOn(nil)
			s.Start()
			l.c.nats.WaitReady(l.t.Context())
		}
	}},
}

func (c *cluster) leader() int {
	c.t.Helper()
	return c.nats.Leader(c.t.Context(), logfile.StreamName)
}

// goesOn waits until commands are accepted again, and all drivers are active, as all nodes but one see it.
func (l *load) goesOn(without *node) {
	l.t.Helper()
	for _, n := range l.c.nodes {
		if n == without {
			continue
		}
		eventually(l.t, n.name+" is ready", n.ready)
		eventually(l.t, fmt.Sprintf("%s sees all drivers", n.name), func() bool { return n.active() == l.drivers() })
	}
	before := l.accepted()
	eventually(l.t, "commands are accepted", func() bool { return l.accepted() >= before+10 })
}

func TestFaultsOfNodes(t *testing.T) {
	t.Parallel()
	runFaults(t, nodeFaults)
}

func TestFaultsOfNATS(t *testing.T) {
	t.Parallel()
	runFaults(t, natsFaults)
}

func runFaults(t *testing.T, faults []fault) {
	t.Helper()
	l := newLoad(t, newCluster(t))
	times := rounds(1, 20)
	var table []string
	for _, f := range faults {
		t.Run(strings.ReplaceAll(f.name, " ", "_"), func(t *testing.T) {
			l.t, l.c.t = t, t
			if l.broken {
				t.Fatal("the cluster is broken by the test before")
			}
			l.broken = true
			for round := 0; round < times && !t.Failed(); round++ {
				table = append(table, l.round(f, round))
			}
			l.broken = t.Failed()
		})
	}
	l.t, l.c.t = t, t
	t.Logf("seconds\n%s", strings.Join(table, "\n"))
}

// round injects a fault under load, and checks what the clients and drivers have seen.
func (l *load) round(f fault, round int) (row string) {
	l.t.Helper()
	from := len(l.all())
	l.start(fmt.Sprintf("%s-%d", strings.ReplaceAll(f.name, " ", "-"), round))
	l.goesOn(nil)
	broken := time.Since(l.began)
	f.do(l, round)
	repaired := time.Since(l.began)
	l.c.nats.WaitReady(l.t.Context())
	l.c.ready()
	l.goesOn(nil)
	again := time.Since(l.began)
	l.stop()
	earlier, ops := l.all()[:from], l.all()[from:]
	lines := l.c.settled()
	l.check(earlier, ops, lines)
	missing := missed(lines, ops)
	if f.moves && len(missing) > 0 {
		l.t.Errorf("verdicts that are missing although all nodes were stopped in order: %v", missing)
	}
	pause, longest := pauses(ops, broken)
	return fmt.Sprintf("%-45s nothing accepted %5.1f, longest call %5.1f, fault %5.1f, all active %5.1f after it; "+
		"%d calls, %d missing verdicts", f.name, pause.Seconds(), longest.Seconds(), (repaired - broken).Seconds(),
		(again - repaired).Seconds(), len(ops), len(missing))
}

// check checks what must hold after any fault.
func (l *load) check(earlier, ops []op, lines []line) {
	l.t.Helper()
	issued := map[uint64]line{}
	for _, r := range lines {
		if r.Event == "issued" {
			issued[r.Seq] = r
		}
		if r.Event == "reset" && r.ID > 1 || r.Event == "expired" {
			l.t.Errorf("the load was reset: %+v", r)
		}
	}
	for _, o := range ops {
		if !o.answer.accepted() {
			continue
		}
		e, logged := issued[o.answer.entry.Seq]
		if !logged || e.Submitter != o.command.submitter || !o.command.stop && e.Command.Players != o.command.players {
			l.t.Errorf("answered %s, logged %+v", o.answer.body, e)
		}
	}
	l.c.checkStream()
	linearizable(l.t, earlier, ops)
	for _, d := range l.sdk {
		d.checkApplied(l.t, lines, false)
		l.converged(d, lines)
	}
	for _, d := range l.raw {
		d.checkApplied(l.t, lines, false)
		l.converged(&d.recorder, lines)
	}
	for _, path := range []string{"/state", "/drivers", "/commands?limit=100"} {
		l.c.same(path)
	}
}

// converged checks that a driver has received the newest command for it.
func (l *load) converged(d *recorder, lines []line) {
	l.t.Helper()
	pool, _, _ := strings.Cut(d.id, "-")
	newest := uint64(0)
	for _, r := range lines {
		mine := r.Event == "issued" && (r.Submitter == d.id || strings.HasPrefix(r.Submitter, "crowd-") && pool != "register")
		if mine {
			newest = r.Seq
		}
	}
	eventually(l.t, fmt.Sprintf("%s has applied %d", d.id, newest), func() bool { return d.last().seq == newest })
}

// missed lists the missing verdicts of commands of some calls.
func missed(lines []line, ops []op) (all []string) {
	seqs := map[uint64]bool{}
	for _, o := range ops {
		seqs[o.answer.entry.Seq] = true
	}
	for _, r := range lines {
		if r.Event == "closed" && seqs[r.Seq] {
			for _, m := range r.Missing {
				all = append(all, fmt.Sprintf("%d: %s %s", r.Seq, m.DriverID, m.Reason))
			}
		}
	}
	return all
}

// pauses returns the longest time in which no command was accepted, and the longest call, after a moment.
func pauses(ops []op, from time.Duration) (pause, longest time.Duration) {
	ops = slices.Clone(ops)
	slices.SortFunc(ops, func(a, b op) int { return int(a.done - b.done) })
	last := from
	for _, o := range ops {
		if !o.answer.accepted() || o.done < from {
			continue
		}
		pause, last = max(pause, o.done-last), o.done
		longest = max(longest, o.done-max(o.call, from))
	}
	return pause, longest
}
