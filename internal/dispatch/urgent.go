package dispatch

import (
	"time"

	"github.com/swarmcall/swarmcall/command"
)

// These bound how long a Stop that has been issued keeps all else back: some time, and about as much as it takes to
// reach each driver and to hear from it. A driver that hangs delays others by no more.
const (
	holdBase      = 20 * time.Millisecond
	holdPerDriver = 20 * time.Microsecond
)

// urgency says how Stops come before all else. A Stop that waits, and the outcome of one, have an append to themselves:
// what many commands to a large swarm write takes longer than all that a Stop needs. And while a Stop is on its way, no
// other command is issued or closed: frames, acks and appends would compete with its own. Others only wait, in their
// order. After either, what waits has its turn, so that no number of Stops keeps it out. It is guarded by the queue's
// lock.
type urgency struct {
	hurried bool      // the last batch was urgent
	until   time.Time // all else is kept back until then
	held    bool      // it has been since it had a turn
}

// takeUrgent returns the Stops that wait and their outcomes; only says that the next append must have nothing else, or
// there must be none yet. The lock is held.
func (q *queue) takeUrgent() (b batch, only bool) {
	u, w := &q.urgency, &q.waiting
	held, urgent := !q.closed && time.Now().Before(u.until), w.urgent()
	if !held && (u.hurried || !urgent) {
		u.hurried, u.held = false, false
		return batch{}, false
	}
	b.resets, b.expired, w.resets, w.expired = w.resets, w.expired, nil, nil // what comes after them counts on them
	if urgent {
		u.hurried = true
		b.submits, w.submits = part(w.submits, (*submission).isStop)
		b.closes, w.closes = part(w.closes, (*Call).isStop)
		if !held {
			q.nudge() // for the rest; of what is kept back, the end of the hold wakes the sequencer
		}
	}
	return b, true
}

// hold keeps all else back while a Stop is on its way to so many drivers.
func (q *queue) hold(drivers int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if u := &q.urgency; !u.held {
		patience := holdBase + time.Duration(drivers)*holdPerDriver
		u.held, u.until = true, time.Now().Add(patience)
		time.AfterFunc(patience, q.nudge)
	}
}

// release ends that.
func (q *queue) release() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.urgency.until = time.Time{}
	q.nudge()
}

func (b *batch) urgent() bool {
	for _, s := range b.submits {
		if s.isStop() {
			return true
		}
	}
	for _, c := range b.closes {
		if c.isStop() {
			return true
		}
	}
	return false
}

// isStop tells a Stop from what only asks what one would do.
func (s *submission) isStop() bool { return s.Command.Type == command.Stop && !s.preview }

func (c *Call) isStop() bool { return c.issued.Command.Type == command.Stop }

// part separates what matches from the rest, each in its order.
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

// stopsFirst moves Stops before all else, and keeps the order otherwise.
func stopsFirst(submits []*submission) []*submission {
	stops, rest := part(submits, (*submission).isStop)
	if len(stops) == 0 {
		return submits
	}
	return append(stops, rest...)
}
