package dispatch

import "time"

const (
	gatherFrom = 2 * time.Millisecond  // a log that is quicker gains nothing when the sequencer waits
	gatherPart = 4                     // the sequencer waits at most for this part of what an append takes
	gatherMost = 10 * time.Millisecond // and never longer
)

// gathering has the sequencer wait a little for commands that can share an append. Submitters that are answered
// together come back together, some milliseconds apart. Without a wait the first of them has an append alone, the
// others wait for its end, and from then on two groups take turns, each waiting for the other's append: half as many
// commands per second. It belongs to Run.
type gathering struct {
	shared   int           // commands of the last append
	expected int           // these, and what came meanwhile
	took     time.Duration // by the log
	ended    time.Time     // when all of it had been carried out
}

// appended notes how many commands shared an append, and how long the log took for it.
func (g *gathering) appended(commands int, took time.Duration) { g.shared, g.took = commands, took }

// over notes that the append has been carried out: from now on those that it answered may come back.
func (g *gathering) over(q *queue) {
	g.expected, g.ended = g.shared+q.commands(), time.Now()
}

// wait returns when as many commands wait as are expected, or none of them may wait any longer. A submitter who is
// alone never waits, and no Stop does.
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

// commands is how many commands wait for an append.
func (q *queue) commands() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.waiting.closes) + len(q.waiting.submits)
}

// gathered reports whether the next append should begin: enough commands wait, or something that must not, or nothing
// at all.
func (q *queue) gathered(enough int) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := &q.waiting
	commands := len(w.closes) + len(w.submits)
	return q.closed || commands == 0 || commands >= enough || len(w.resets) > 0 || w.urgent()
}
