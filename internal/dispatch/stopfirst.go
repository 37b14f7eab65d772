package dispatch

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/command"
)

// These constants bound how long an issued Stop holds other work back: a fixed time, and about twice the time that it
// takes to reach one driver and to receive its ack. A hung driver delays other commands by no more than that.
const (
	holdBase      = 20 * time.Millisecond
	holdPerDriver = 50 * time.Microsecond
)

// urgency makes Stops go before all other work. A waiting Stop has an append to itself, and so has its outcome: an
// append of many commands to a large swarm takes longer than a whole Stop. While a Stop is on its way, no other command
// is issued or closed, because its frames, acks and appends would compete with those of the Stop. The other work waits,
// in its order. After an urgent append and after a hold it has its turn, so a series of Stops cannot block it. The
// queue's lock guards this.
type urgency struct {
	hurried bool      // the last batch was urgent
	until   time.Time // other work is held back until then
	held    bool      // other work has been held back since its last turn
}

// takeUrgent returns the waiting Stops and the outcomes of Stops. If only is true, the next append must contain nothing
// else; if the batch is empty too, there must be no append yet. The lock is held.
func (q *queue) takeUrgent() (b batch, only bool) {
	u, w := &q.urgency, &q.waiting
	held, urgent := !q.closed && time.Now().Before(u.until), w.urgent()
	if !held && (u.hurried || !urgent) {
		u.hurried, u.held = false, false
		return batch{}, false
	}
	b.resets, b.expired, w.resets, w.expired = w.resets, w.expired, nil, nil // later work depends on them
	if urgent {
		u.hurried = true
		b.submits, w.submits = part(w.submits, (*submission).isStop)
		b.closes, w.closes = part(w.closes, (*Call).isStop)
		if !held {
			q.nudge() // for the other work; under a hold, the end of the hold does that
		}
	}
	return b, true
}

// hold holds other work back while a Stop is on its way to this number of drivers.
func (q *queue) hold(drivers int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if u := &q.urgency; !u.held {
		patience := holdBase + time.Duration(drivers)*holdPerDriver
		u.held, u.until = true, time.Now().Add(patience)
		time.AfterFunc(patience, q.nudge)
	}
}

// release ends the hold.
func (q *queue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.urgency.until = time.Time{}
	q.nudge()
}

// stopWaits reports whether a Stop waits to be issued.
func (q *queue) stopWaits() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return slices.ContainsFunc(q.waiting.submits, (*submission).isStop)
}

// urgent reports whether a Stop, or the outcome of one, is in the batch.
func (b *batch) urgent() bool {
	return slices.ContainsFunc(b.submits, (*submission).isStop) || slices.ContainsFunc(b.closes, (*Call).isStop)
}

// isStop reports whether the submission is a Stop. A preview is not.
func (s *submission) isStop() bool { return s.Command.Type == command.Stop && !s.preview }

func (c *Call) isStop() bool { return c.issued.Command.Type == command.Stop }

// part separates the matching elements from the rest, and keeps the order of both.
func part[T any](all []T, matches func(T) bool) (matching, rest []T) {
	for _, v := range all {
		if matches(v) {
			matching = append(matching, v)
		} else {
			rest = append(rest, v)
		}
	}
	return matching, rest
}

// stopsFirst moves Stops to the front, and keeps the order otherwise.
func stopsFirst(submits []*submission) []*submission {
	stops, rest := part(submits, (*submission).isStop)
	if len(stops) == 0 {
		return submits
	}
	return append(stops, rest...)
}
