package dispatch

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/swarmcall/swarmcall/internal/failpoint"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// outcomeGrace is how long past the deadline a closed record may take to become durable before waiters get an error.
const (
	outcomeGrace = time.Second
	graceSteps   = 10
)

// Call is one issued command on its way to an outcome.
type Call struct {
	d        *Dispatcher
	seq      uint64
	issued   *swarm.Issued
	issuedAt time.Time     // when Issued was durable; deadline and duration start here
	handedAt time.Time     // when it was put into the outboxes; latencies start here
	grace    time.Duration // after the deadline, until verdicts have arrived from other nodes
	foreign  atomic.Bool   // relay is not nil
	done     chan struct{} // closed when the outcome is visible and waiting clients may read it

	mu       sync.Mutex
	round    *round // nil after the outcome, and while another node owns it
	relay    *relay // of a command whose round another node owns
	deadline *time.Timer
	closing  *swarm.Closed   // being appended to the log
	closed   *swarm.Closed   // in the log
	logged   []swarm.LateAck // late acks of an entry that was read from the log
	early    []swarm.LateAck // first answers after a Missing verdict, before Closed is in the log
	earlyBy  map[string]bool // the drivers that gave them
}

// Seq is the position of the command in the log.
func (c *Call) Seq() uint64 { return c.seq }

// Entry returns the command as it is in the log now.
func (c *Call) Entry() swarm.Entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	return swarm.Entry{Seq: c.seq, Issued: c.issued, Closed: c.closed, Late: c.logged}
}

// settled returns the call of an entry that was closed before.
func settled(e swarm.Entry) *Call {
	c := &Call{seq: e.Seq, issued: e.Issued, closed: e.Closed, logged: e.Late, done: make(chan struct{})}
	close(c.done)
	return c
}

// Wait returns the entry once its outcome is durable. It fails with ctx's error, or with CodeOutcomeNotRecorded if the
// log does not store the outcome in time. In that case the command has been sent, and the log append is still retried.
func (c *Call) Wait(ctx context.Context) (swarm.Entry, error) {
	select {
	case <-c.done: // before the timer, which may have expired as well
		return c.Entry(), nil
	default:
	}
	err := c.wait(ctx)
	e := c.Entry()
	if e.Closed != nil {
		return e, nil // it arrived while the wait was ending: return the outcome rather than the error
	}
	return e, err
}

// wait counts the grace down in steps. After a pause of the whole process every due timer fires at once, before the log
// has had time to store the outcome. With steps, such a pause uses up only one of them.
func (c *Call) wait(ctx context.Context) error {
	late := time.NewTimer(time.Until(c.issuedAt.Add(c.issued.Deadline)))
	defer late.Stop()
	for steps := graceSteps; ; steps-- {
		select {
		case <-c.done:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
		}
		if steps == 0 {
			return &swarm.Error{
				Code:   swarm.CodeOutcomeNotRecorded,
				Detail: "the command was sent, but the log has not stored its outcome yet; read the entry again later",
				Attrs:  map[string]any{"seq": c.seq},
			}
		}
		late.Reset(outcomeGrace / graceSteps)
	}
}

// start opens the round for verdicts, before any other goroutine can find c.
func (c *Call) start() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deadline = time.AfterFunc(time.Until(c.issuedAt.Add(c.issued.Deadline+c.grace)), c.expireAtDeadline)
	c.closeIfDone()
}

// answer handles a driver's reply. open is false if the outcome is durable already: the reply then belongs to the late
// acks. A reply after a Missing verdict is kept for them, because its record must follow the closed record.
func (c *Call) answer(id string, reply swarm.Reply, at time.Time) (latency time.Duration, counted, open bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.relay != nil {
		latency, counted = c.passReply(id, reply, at)
		return latency, counted, true
	}
	if c.round == nil {
		return 0, false, false
	}
	latency = at.Sub(c.handedAt)
	counted, before := c.round.answer(id, reply, latency)
	if counted {
		c.closeIfDone()
	} else {
		counted = c.again(id, before, reply, latency)
	}
	return latency, counted, true
}

// again handles a reply of a driver that has a verdict already. It reports whether the reply is its first late answer.
func (c *Call) again(id string, before swarm.VerdictKind, reply swarm.Reply, latency time.Duration) (counted bool) {
	switch {
	case before == swarm.Acked && !reply.Applied, before == swarm.Rejected && reply.Applied:
		c.d.conflict(id, c.seq, reply)
	case before == swarm.Missing && !c.earlyBy[id]:
		if c.earlyBy == nil {
			c.earlyBy = map[string]bool{}
		}
		c.earlyBy[id], counted = true, true
		c.early = append(c.early, swarm.LateAck{DriverID: id, Reply: reply, Latency: latency})
	}
	return counted
}

func (c *Call) disconnected(id string, reason swarm.Reason) {
	c.decide(id, swarm.Verdict{Kind: swarm.Missing, Reason: reason})
}

func (c *Call) superseded(id string) { c.decide(id, swarm.Verdict{Kind: swarm.Superseded}) }

// decide records the verdict of a driver that will not answer, if it has none.
func (c *Call) decide(id string, v swarm.Verdict) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.relay != nil:
		c.pass(id, v)
	case c.round != nil:
		if c.round.settle(id, v) {
			c.closeIfDone()
		}
	}
}

// expireAtDeadline runs on the deadline's timer. The stale drivers are determined without the lock held, because an ack
// must not wait for that.
func (c *Call) expireAtDeadline() {
	c.mu.Lock()
	waiting := c.undecidedLocked()
	c.mu.Unlock()
	stale := c.d.stale(waiting)
	c.expire(func(id string) swarm.Reason {
		if stale[id] {
			return swarm.ReasonStale
		}
		return swarm.ReasonDeadline
	})
}

// stale returns those of the given drivers whose session has late heartbeats.
func (d *Dispatcher) stale(ids []string) map[string]bool {
	stale := map[string]bool{}
	if len(ids) == 0 { // an empty list as a target would mean every driver
		return stale
	}
	for _, m := range d.drivers.Members(swarm.TargetQuery{Target: swarm.Target{DriverIDs: ids}}).Members {
		if m.Lost == swarm.ReasonStale {
			stale[m.DriverID] = true
		}
	}
	return stale
}

func (c *Call) expire(why func(string) swarm.Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.round == nil || c.closing != nil {
		return
	}
	c.round.expire(why)
	c.closeIfDone()
}

func (c *Call) undecidedLocked() []string {
	if c.round == nil {
		return nil
	}
	return c.round.undecided()
}

// closeIfDone hands the outcome to the sequencer, once.
func (c *Call) closeIfDone() {
	if !c.round.done() || c.closing != nil {
		return
	}
	c.round.expire(unresponsive)
	c.deadline.Stop()
	c.closing = &swarm.Closed{
		Seq: c.seq, Node: c.d.node, ClosedAt: time.Now().UTC(), Duration: time.Since(c.issuedAt),
		Verdicts: c.round.verdicts,
	}
	failpoint.Hit(failpoint.BeforeClosed)
	c.d.enqueueClose(c)
}

// finish makes the durable outcome visible and starts to collect its late acks. Both are one step under the lock: an
// answer finds either the round or the late acks. It reports whether the late acks contain answers that arrived early.
func (c *Call) finish(closed *swarm.Closed) (lateDue bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	early := c.early
	if closed != c.closing { // it is the outcome of another node
		early = append(early, c.unheard(closed)...)
	}
	if c.deadline != nil {
		c.deadline.Stop()
	}
	lateDue = c.d.late.expect(c.seq, c.handedAt, missing(c.issued.Targets, closed.Verdicts, always), early)
	c.closed, c.round, c.relay, c.early, c.earlyBy = closed, nil, nil, nil, nil
	return lateDue
}

// wake lets the clients that wait for these calls read the outcomes.
func wake(calls []*Call) {
	for _, c := range calls {
		close(c.done)
	}
}

// deadlineMissed returns the drivers that missed the deadline.
func (c *Call) deadlineMissed(closed *swarm.Closed) []string {
	return missing(c.issued.Targets, closed.Verdicts, func(r swarm.Reason) bool { return r == swarm.ReasonDeadline })
}

func always(swarm.Reason) bool { return true }

func unresponsive(string) swarm.Reason { return swarm.ReasonUnresponsive }
