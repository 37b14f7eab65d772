package dispatch

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// relay is the state of a call whose round belongs to another node. This node offers the command to its own drivers, and
// passes on each verdict. It keeps the verdicts until the log has the outcome: if the owner is lost, another node closes
// the entry with the verdicts that the living nodes hold.
type relay struct {
	owner    string                   // name of the node that closes the entry; nobody until a node is chosen
	verdicts map[string]swarm.Verdict // first verdict of each driver of this node
	givenUp  time.Time                // when this node gave up the round; zero if it was never its own
}

// relayed returns the call of a command that another node has issued.
func (d *Dispatcher) relayed(seq uint64, i *swarm.Issued) *Call {
	now := time.Now()
	c := &Call{
		d: d, seq: seq, issued: i, issuedAt: now, handedAt: now, done: make(chan struct{}),
		relay: &relay{owner: i.Node, verdicts: map[string]swarm.Verdict{}},
	}
	c.foreign.Store(true)
	return c
}

// pass records the first verdict of a driver and passes it to the owner. c.mu is held.
func (c *Call) pass(id string, v swarm.Verdict) (first bool) {
	if _, target := slices.BinarySearch(c.issued.Targets, id); !target {
		return false
	}
	if _, has := c.relay.verdicts[id]; has {
		return false
	}
	c.relay.verdicts[id] = v
	if c.relay.owner != nobody {
		c.d.peers.Send(c.relay.owner, swarm.NodeVerdict{Seq: c.seq, DriverID: id, Verdict: v})
	}
	return true
}

// passReply is answer for a call of another node. c.mu is held.
func (c *Call) passReply(id string, reply swarm.Reply, at time.Time) (latency time.Duration, counted bool) {
	latency = at.Sub(c.handedAt)
	before, answered := c.relay.verdicts[id]
	if !answered {
		return latency, c.pass(id, verdictOf(reply, latency))
	}
	return latency, c.again(id, before.Kind, reply, latency)
}

// redirect makes another node the owner, and passes it all verdicts of this node. c.mu is held.
func (c *Call) redirect(owner string) {
	c.relay.owner = owner
	for id, v := range c.relay.verdicts {
		c.d.peers.Send(owner, swarm.NodeVerdict{Seq: c.seq, DriverID: id, Verdict: v})
	}
}

// unheard returns the answers of this node's drivers that an outcome of another node does not contain: they are late.
// c.mu is held.
func (c *Call) unheard(closed *swarm.Closed) []swarm.LateAck {
	var out []swarm.LateAck
	for i, id := range c.issued.Targets {
		if closed.Verdicts[i].Kind != swarm.Missing {
			continue
		}
		if v, ok := c.own(i, id); ok && v.Answered() {
			out = append(out, swarm.LateAck{DriverID: id, Reply: v.Reply(), Latency: v.Latency})
		}
	}
	return out
}

// own returns the verdict that this node has for a target. c.mu is held.
func (c *Call) own(target int, id string) (swarm.Verdict, bool) {
	if c.relay != nil {
		v, ok := c.relay.verdicts[id]
		return v, ok
	}
	v := c.round.verdicts[target]
	return v, v.Kind != swarm.Undecided
}

// Verdicts takes verdicts of drivers of another node. It returns the commands whose rounds this node does not own, or
// does not own yet: their verdicts must be sent again until the log has the outcome.
func (d *Dispatcher) Verdicts(verdicts []swarm.NodeVerdict) (notYet []uint64) {
	end := d.log.Last() // before calls are looked up: one up to here that is not open is closed
	for _, v := range verdicts {
		c, open := d.Call(v.Seq)
		switch {
		case open && c.hear(v):
		case open, v.Seq > end:
			notYet = append(notYet, v.Seq)
		}
	}
	return notYet
}

// hear takes a verdict of another node. It reports false if another node owns the round.
func (c *Call) hear(v swarm.NodeVerdict) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.relay != nil:
		return false
	case c.round == nil || v.Verdict.Latency > c.issued.Deadline: // too late: the other node adds it to the late acks
	case c.round.settle(v.DriverID, v.Verdict):
		c.closeIfDone()
	}
	return true
}
