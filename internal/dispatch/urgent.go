package dispatch

import (
	"github.com/swarmcall/swarmcall/command"
)

// urgency decides when Stops come before all other work. A Stop that waits, and the outcome of one, have an append to
// themselves. After one, the other work has its turn, so that no number of Stops keeps it out. It is guarded by the
// queue's lock.
type urgency struct {
	hurried bool // the last batch was urgent
}

// takeUrgent returns the Stops that wait and their outcomes; only says that the next append must have nothing else, or
// there must be none yet. The lock is held.
func (q *queue) takeUrgent() (b batch, only bool) {
	u, w := &q.urgency, &q.waiting
	if u.hurried || !w.urgent() {
		u.hurried = false
		return batch{}, false
	}
	b.resets, b.expired, w.resets, w.expired = w.resets, w.expired, nil, nil // what comes after them counts on them
	u.hurried = true
	b.submits, w.submits = part(w.submits, (*submission).isStop)
	b.closes, w.closes = part(w.closes, (*Call).isStop)
	q.nudge() // for the rest
	return b, true
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
