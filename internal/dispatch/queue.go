package dispatch

import (
	"context"
	"sync"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// submission is a command that waits for the sequencer.
type submission struct {
	swarm.Submission
	preview bool // only report what the command would do
	ctx     context.Context
	result  chan submitted // buffered: the sequencer never waits for a submitter
}

// submitted is the result of a submission: a call, the seq of the closed entry of its idempotency key, the record that
// a preview would have written, or an error.
type submitted struct {
	call     *Call
	issued   *swarm.Issued
	seq      uint64
	replayed bool
	err      error
}

// answer gives the submitter its result, and tells the follower of the submission if there is no new command.
func (s *submission) answer(r submitted) {
	switch {
	case r.err != nil:
		r.err = s.Refuse(r.err)
	case r.replayed && s.Follower != nil:
		s.Follower.Replayed(r.seq)
	}
	s.result <- r
}

// reset is a reset record that waits for the sequencer.
type reset struct {
	record *swarm.Reset
	folded chan struct{} // closed when the record is durable and its Stop is in every session's outbox
}

// maxBatch bounds how many commands one append has, so that the first of many does not wait for all of them.
const maxBatch = 256

// These bound the rest of an append: with maxBatch commands it has less than 1,000 records, which is the most that NATS
// stores as one.
const (
	maxCloses  = 512
	maxLates   = 96
	maxExpired = 96
)

// batch is the content of one append, in this order.
type batch struct {
	closes  []*Call
	resets  []*reset
	expired []*swarm.Expired
	submits []*submission
	lates   []uint64
	settled []chan struct{} // closed when all that came before has been decided
}

func (b *batch) empty() bool {
	return len(b.closes)+len(b.resets)+len(b.expired)+len(b.submits)+len(b.lates)+len(b.settled) == 0
}

// queue holds the work for the sequencer. Adding never blocks. The queue is bounded by the submitters that wait for an
// answer, the open rounds and the late acks.
type queue struct {
	mu      sync.Mutex
	waiting batch
	closed  bool
	urgency urgency
	wake    chan struct{}
}

func newQueue() *queue { return &queue{wake: make(chan struct{}, 1)} }

// submit adds a command; false when the queue is closed.
func (q *queue) submit(s *submission) bool {
	ok := false
	q.add(func(b *batch) {
		if ok = !q.closed; ok {
			b.submits = append(b.submits, s)
		}
	})
	return ok
}

func (q *queue) closeCall(c *Call) { q.add(func(b *batch) { b.closes = append(b.closes, c) }) }
func (q *queue) reset(r *reset)    { q.add(func(b *batch) { b.resets = append(b.resets, r) }) }
func (q *queue) expire(e []*swarm.Expired) {
	q.add(func(b *batch) { b.expired = append(b.expired, e...) })
}
func (q *queue) late(seq uint64) { q.add(func(b *batch) { b.lates = append(b.lates, seq) }) }

// settle closes done when everything that waits now has been decided.
func (q *queue) settle(done chan struct{}) {
	q.add(func(b *batch) { b.settled = append(b.settled, done) })
}

// requeue puts back the rest of a failed append, and submissions that must wait for the next batch, before newer work.
// The caller nudges when it is time to retry. A closed queue accepts no outcomes: the next process closes the entries
// that this one could not.
func (q *queue) requeue(b batch) (taken bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if b.empty() || q.closed && len(b.submits) == 0 {
		return false
	}
	w := &q.waiting
	w.closes = append(b.closes, w.closes...)
	w.resets = append(b.resets, w.resets...)
	w.expired = append(b.expired, w.expired...)
	w.submits = append(b.submits, w.submits...)
	w.lates = append(b.lates, w.lates...)
	w.settled = append(b.settled, w.settled...)
	return true
}

// close lets the sequencer end once it has processed the queue.
func (q *queue) close() { q.add(func(*batch) { q.closed = true }) }

func (q *queue) add(change func(*batch)) {
	q.mu.Lock()
	change(&q.waiting)
	q.mu.Unlock()
	q.nudge()
}

// nudge wakes the sequencer.
func (q *queue) nudge() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// take returns the content of the next append, which may be empty. ended says that the queue is closed and empty.
func (q *queue) take() (b batch, ended bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if only, held := q.isStopsTurn(); only {
		return q.takeStops(held), false
	}
	b = q.takeOthers()
	if q.closed {
		q.nudge() // nothing else would wake the sequencer to find the queue empty
	}
	return b, q.closed && b.empty()
}
