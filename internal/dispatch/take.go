package dispatch

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Take carries out what was appended: outcomes become visible, and commands go to the drivers. The log calls it once for
// each append, in the order of the log, one at a time. So all drivers of all nodes receive the commands in one order.
func (d *Dispatcher) Take(a swarm.Appended) {
	if w := d.writing.Load(); a.Own && w != nil {
		d.carryOut(*w, a.First)
		return
	}
	for i, r := range a.Records {
		d.takeOther(a.First+uint64(i), r)
	}
}

// takeOther carries out a record of another node, or one whose append this node has given up.
func (d *Dispatcher) takeOther(seq uint64, r swarm.Record) {
	switch r := r.(type) {
	case *swarm.Issued:
		d.takeIssued(seq, r)
	case *swarm.Closed:
		if c, ok := d.Call(r.Seq); ok {
			d.closed(c, r)
			close(c.done)
		}
	case *swarm.Late:
		d.late.recorded(r)
	case *swarm.Reset:
		d.superseded(d.delivery.Reset(seq))
	case *swarm.Expired:
		d.superseded(d.delivery.Expire(seq, r))
	}
}

func (d *Dispatcher) takeIssued(seq uint64, i *swarm.Issued) {
	c := d.relayed(seq, i)
	d.opened(c) // before its key is known: a repeat finds the open call
	d.keys.Remember(seq, i)
	issue := i.Issue(seq)
	issue.Foreign = true
	d.handed(c, d.delivery.Offer(issue))
	if i.Node == d.node {
		d.adopt(c, swarm.ReasonDisconnected)
	}
}

// carryOut carries out the work of this node that was appended from position seq on.
func (d *Dispatcher) carryOut(w work, seq uint64) {
	durable := time.Now()
	d.downSince.Store(nil)
	d.gathering.appended(len(w.closes)+len(w.issues), durable.Sub(w.began))
	for _, c := range w.closes {
		d.closed(c, c.closing)
		seq++
	}
	d.answer(w.closes)
	for _, r := range w.resets {
		d.superseded(d.delivery.Reset(seq))
		close(r.folded)
		seq++
	}
	for _, e := range w.expired {
		d.superseded(d.delivery.Expire(seq, e))
		seq++
	}
	for _, f := range w.issues {
		d.handOver(f, seq, durable)
		seq++
	}
}

// handOver opens the round and offers the command to the drivers. The round comes first, because an ack may arrive
// before Offer returns.
func (d *Dispatcher) handOver(f admitted, seq uint64, durable time.Time) {
	c := &Call{
		d: d, seq: seq, issued: f.issued, issuedAt: durable, handedAt: time.Now(), done: make(chan struct{}),
		round: newRound(f.members, f.Command.Type), grace: graceFor(f.members),
	}
	c.start()
	expiring := d.opened(c)
	d.keys.Remember(seq, f.issued)
	if f.Follower != nil {
		f.Follower.Issued(seq)
	}
	if c.isStop() {
		d.queue.hold(seq, len(f.members))
	}
	issue := f.issued.Issue(seq)
	issue.Traceparent = f.Traceparent
	d.handed(c, d.delivery.Offer(issue))
	if expiring {
		c.expire(serverRestart)
	}
	f.result <- submitted{call: c}
}

// relayGrace is how long a verdict of another node may take: a batch of them is sent after a few milliseconds.
const relayGrace = 20 * time.Millisecond

func graceFor(members []swarm.Member) time.Duration {
	if slices.ContainsFunc(members, func(m swarm.Member) bool { return m.Away }) {
		return relayGrace
	}
	return 0
}

// handed decides the verdicts that are already certain after an offer.
func (d *Dispatcher) handed(c *Call, h swarm.Handover) {
	for _, id := range h.Undelivered {
		c.disconnected(id, swarm.ReasonDisconnected)
	}
	d.superseded(h.Superseded)
}

func (d *Dispatcher) superseded(unsent []swarm.Unsent) {
	for _, u := range unsent {
		if c, ok := d.Call(u.Seq); ok {
			c.superseded(u.DriverID)
		}
	}
}

// answer wakes the clients that wait for these outcomes. If a Stop waits to be issued, it wakes only those of Stops:
// many answers take more of the machine than the append of the Stop, which comes first. The others follow after the
// next step.
func (d *Dispatcher) answer(closes []*Call) {
	if d.queue.stopWaits() {
		closes, d.postponed = part(closes, (*Call).isStop)
	}
	wake(closes)
}

// closed makes a durable outcome visible. It first reports the drivers that missed the deadline, because a client that
// reads the outcome may send its next command at once.
func (d *Dispatcher) closed(c *Call, outcome *swarm.Closed) {
	if ids := c.deadlineMissed(outcome); len(ids) > 0 {
		d.drivers.DeadlineMissed(ids)
	}
	if c.finish(outcome) {
		d.queue.late(c.seq)
	}
	d.peers.Closed(c.seq)
	d.ended(c)
	if c.isStop() {
		d.queue.release(c.seq)
	}
}
