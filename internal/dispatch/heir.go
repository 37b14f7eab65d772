package dispatch

import (
	"context"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// reclaimAfter is how long a node leaves rounds that it has given up to the others. If NATS was away, no node has seen
// another one lost, and none of them is the heir.
const reclaimAfter = 3 * time.Second

// adoptGrace is how long the round of an adopted command stays open at least: the living nodes pass on their verdicts.
const adoptGrace = time.Second

// Peers passes verdicts of this node's drivers to the nodes that own the rounds. It does not block.
type Peers interface {
	// Send passes a verdict to the named node, again and again until Closed.
	Send(owner string, v swarm.NodeVerdict)
	// Closed says that the log has the outcome of a command.
	Closed(seq uint64)
}

// noPeers are the Peers of a single node.
type noPeers struct{}

func (noPeers) Send(string, swarm.NodeVerdict) {}
func (noPeers) Closed(uint64)                  {}

// Inherit takes over the entries that the log had open when this node started. Run must not have been called. This node
// closes those that an earlier process of it issued: drivers that are connected to no other node are missing. The others
// belong to their nodes.
func (d *Dispatcher) Inherit(open []swarm.Entry) {
	for _, e := range open {
		c := d.relayed(e.Seq, e.Issued)
		d.opened(c)
		if e.Issued.Node == d.node {
			d.adopt(c, swarm.ReasonServerRestart)
		}
	}
}

// Owners decides who closes the entries of nodes that are not alive: the first living node. If two nodes disagree for a
// moment about who that is, the log still gets one outcome. So this node also takes back what it has given up, if it is
// still open after a while: the others may not have seen that its lease had expired. alive are the names of the living
// nodes, sorted.
func (d *Dispatcher) Owners(alive []string) {
	for _, c := range d.openCalls() {
		if c.givenUpFor() >= reclaimAfter {
			d.adopt(c, swarm.ReasonNodeLost)
			continue
		}
		owner, foreign := c.ownedBy()
		if _, lives := slices.BinarySearch(alive, owner); !foreign || lives || len(alive) == 0 {
			continue
		}
		heir := alive[0]
		if owner == nobody && heir == d.node && len(alive) > 1 {
			heir = alive[1] // it has been the heir since this node lost its lease
		}
		if heir == d.node {
			d.adopt(c, swarm.ReasonNodeLost)
		} else {
			c.bequeath(heir)
		}
	}
}

// nobody owns the rounds that a node without a lease has given up.
const nobody = ""

// LeaseLost says that the node lease has expired, although it may be in force again.
func (d *Dispatcher) LeaseLost() {
	d.leaseLost.Store(true)
	d.queue.nudge()
}

// giveUp gives up the rounds of this node, because its node lease has expired: another node closes the entries, with the
// verdicts that reach it. What this node would write now lacks verdicts that came while it was not heard.
func (d *Dispatcher) giveUp() {
	for _, c := range d.openCalls() {
		c.giveUp()
	}
}

func (c *Call) giveUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.round == nil {
		return
	}
	c.deadline.Stop()
	c.relay = &relay{owner: nobody, verdicts: map[string]swarm.Verdict{}, givenUp: time.Now()}
	for i, v := range c.round.verdicts {
		if v.Answered() || v.Kind == swarm.Superseded {
			c.relay.verdicts[c.issued.Targets[i]] = v
		}
	}
	c.round, c.closing = nil, nil
	c.foreign.Store(true)
}

// givenUpFor returns for how long this node has given up the round; 0 if it has not.
func (c *Call) givenUpFor() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.relay == nil || c.relay.givenUp.IsZero() {
		return 0
	}
	return time.Since(c.relay.givenUp)
}

// ownedBy returns the node that owns the round; foreign is false if it is this one.
func (c *Call) ownedBy() (owner string, foreign bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.relay == nil {
		return "", false
	}
	return c.relay.owner, true
}

func (c *Call) bequeath(heir string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.relay != nil {
		c.redirect(heir)
	}
}

// adopt makes this node the owner of a round. Drivers that no living node has are missing for the given reason.
func (d *Dispatcher) adopt(c *Call, lost swarm.Reason) {
	members := d.membersOf(c.issued.Targets, lost)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.relay == nil {
		return
	}
	verdicts := c.relay.verdicts
	for i, m := range members {
		if _, has := verdicts[m.DriverID]; has {
			members[i].Lost = "" // what the driver has answered counts, although it is lost now
		}
	}
	c.foreign.Store(false)
	c.relay, c.round = nil, newRound(members, c.issued.Command.Type)
	for id, v := range verdicts {
		c.round.settle(id, v)
	}
	left := max(time.Until(c.issued.SubmittedAt.Add(c.issued.Deadline)), adoptGrace)
	c.deadline = time.AfterFunc(left, c.expireAtDeadline)
	c.closeIfDone()
}

// membersOf returns the members with these ids, which are sorted; unknown ones are lost, like disconnected ones.
func (d *Dispatcher) membersOf(ids []string, lost swarm.Reason) []swarm.Member {
	out := make([]swarm.Member, len(ids))
	for i, id := range ids {
		out[i] = swarm.Member{DriverID: id, Lost: lost}
	}
	if len(ids) == 0 { // as a target this would mean every driver
		return out
	}
	for _, m := range d.drivers.Members(swarm.TargetQuery{Target: swarm.Target{DriverIDs: ids}}).Members {
		if m.Lost != "" {
			m.Lost = lost
		}
		if i, ok := slices.BinarySearch(ids, m.DriverID); ok {
			out[i] = m
		}
	}
	return out
}

// Settle waits until this node has finished every decision that it began before the call, and returns the end of the
// log that it knows then.
func (d *Dispatcher) Settle(ctx context.Context) (position uint64, err error) {
	done := make(chan struct{})
	d.queue.settle(done)
	select {
	case <-done:
		return d.log.Last(), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}
