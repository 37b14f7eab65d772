package dispatch

import "time"

const (
	gatherFrom = 2 * time.Millisecond  // with a faster log, waiting gains nothing
	gatherPart = 4                     // the sequencer waits at most this fraction of an append
	gatherMost = 10 * time.Millisecond // and never longer
)

// gathering makes the sequencer wait a little for commands that can share an append. Submitters that are answered
// together send their next commands together, some milliseconds apart. Without a wait, the first of them gets an append
// alone and the others wait for its end. From then on two groups take turns, each waiting for the other's append, which
// halves the commands per second. It belongs to Run.
type gathering struct {
	shared   int           // commands of the last append
	expected int           // these, and those that arrived meanwhile
	took     time.Duration // how long the log needed
	ended    time.Time     // when all of it had been processed
}

// appended records how many commands shared an append, and how long the log took for it.
func (g *gathering) appended(commands int, took time.Duration) { g.shared, g.took = commands, took }

// over records that the append has been processed: from now on the submitters that it answered may send again.
func (g *gathering) over(q *queue) {
	g.expected, g.ended = g.shared+q.commands(), time.Now()
}

// wait returns when the expected number of commands is waiting, or when the time to wait is over. A single submitter
// never waits, and neither does a Stop.
func (g *gathering) wait(q *queue) {
	if g.took < gatherFrom || g.expected < 2 {
		return
	}
	patience := time.NewTimer(time.Until(g.ended.Add(min(g.took/gatherPart, gatherMost))))
	defer patience.Stop()
	for !q.gathered(g.expected) {
		select {
		case <-q.wake:
		case <-patience.C:
			return
		}
	}
}

// commands returns how many commands wait for an append.
func (q *queue) commands() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting.closes) + len(q.waiting.submits)
}

// gathered reports whether the next append should begin: enough commands wait, or something that must not wait, or
// nothing.
func (q *queue) gathered(enough int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := &q.waiting
	commands := len(w.closes) + len(w.submits)
	return q.closed || commands == 0 || commands >= enough || len(w.resets) > 0 || w.urgent()
}
