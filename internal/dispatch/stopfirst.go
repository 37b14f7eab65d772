package dispatch

import (
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/command"
)

// A Stop on its way holds other work back for at most holdBase and holdPerDriver for each of its drivers, which is
// about twice the time that it takes to reach one driver and to receive its ack. A hung driver delays other commands by
// no more than that. holdMost is less than outcomeGrace, so that no outcome is reported as missing from the log because
// it was held back.
const (
	holdBase      = 20 * time.Millisecond
	holdPerDriver = 50 * time.Microsecond
	holdMost      = outcomeGrace / 2
)

// urgency makes Stops go before all other work. A waiting Stop has an append to itself, and so has its outcome: an
// append of many commands to a large swarm takes longer than a whole Stop. While a Stop is on its way, no other command
// is issued or closed, because its frames, acks and appends would compete with those of the Stop. The other work waits,
// in its order. After an urgent append and after a hold it has its turn, so a series of Stops cannot block it. The
// queue's lock guards this.
type urgency struct {
	hurried bool                // the last batch was urgent
	since   time.Time           // when the first Stop since the others' last turn was issued; zero if there was none
	until   time.Time           // other work is held back until then
	stops   map[uint64]struct{} // seqs of the Stops since then that are not closed
}

// isStopsTurn reports whether the next append may only contain Stops and the outcomes of Stops. held reports whether
// other work is held back, so that there may be no append at all.
func (q *queue) isStopsTurn() (only, held bool) {
	u := &q.urgency
	held = !q.closed && time.Now().Before(u.until)
	return held || !u.hurried && q.waiting.urgent(), held
}

// takeStops returns what is urgent, if anything. The lock is held.
func (q *queue) takeStops(held bool) (b batch) {
	w := &q.waiting
	urgent := w.urgent()
	b.resets, b.expired, w.resets, w.expired = w.resets, w.expired, nil, nil // later work depends on them
	if urgent {
		q.urgency.hurried = true
		b.submits, w.submits = part(w.submits, (*submission).isStop)
		b.closes, w.closes = part(w.closes, (*Call).isStop)
		b.submits, w.submits = keepBack(maxBatch, b.submits, w.submits)
		b.closes, w.closes = keepBack(maxCloses, b.closes, w.closes)
		if !held || w.urgent() {
			q.nudge() // for the other work; under a hold, the end of the hold does that
		}
	}
	return b
}

// takeOthers returns all that waits, of the submissions at most maxBatch. Stops come last: this is the turn of the
// others, and what it leaves of the Stops goes next. The lock is held.
func (q *queue) takeOthers() batch {
	q.urgency = urgency{}
	b := q.waiting
	q.waiting = batch{}
	stops, rest := part(b.submits, (*submission).isStop)
	b.submits = append(rest, stops...)
	w := &q.waiting
	b.submits, w.submits = upTo(maxBatch, b.submits)
	b.closes, w.closes = upTo(maxCloses, b.closes)
	b.expired, w.expired = upTo(maxExpired, b.expired)
	b.lates, w.lates = upTo(maxLates, b.lates)
	if !w.empty() {
		q.nudge()
	}
	return b
}

// keepBack takes the first, and puts the rest before what waits.
func keepBack[T any](most int, all, waiting []T) (first, rest []T) {
	first, left := upTo(most, all)
	return first, append(left, waiting...)
}

// upTo separates the first of all from the rest.
func upTo[T any](most int, all []T) (first, rest []T) {
	if len(all) <= most {
		return all, nil
	}
	return all[:most:most], append([]T(nil), all[most:]...)
}

// hold holds other work back while a Stop is on its way to this number of drivers. Further Stops lengthen a hold only
// as if they had been issued at its start.
func (q *queue) hold(seq uint64, drivers int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	u := &q.urgency
	if u.since.IsZero() {
		u.since, u.stops = time.Now(), map[uint64]struct{}{}
	}
	u.stops[seq] = struct{}{}
	end := u.since.Add(min(holdBase+time.Duration(drivers)*holdPerDriver, holdMost))
	if end.After(u.until) {
		u.until = end
		time.AfterFunc(time.Until(end), q.nudge)
	}
}

// release ends the hold, unless another Stop is still on its way.
func (q *queue) release(seq uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	u := &q.urgency
	if _, ok := u.stops[seq]; !ok {
		return
	}
	if delete(u.stops, seq); len(u.stops) == 0 {
		u.until = time.Time{}
		q.nudge()
	}
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
