package drivers

import "time"

const (
	// readAtOnce is how many drivers a reader of the whole swarm reads before it lets commands go first.
	readAtOnce = 256
	// After a read the next reader waits restTimes as long as the read took, and at most longestRest.
	restTimes   = 3
	longestRest = 50 * time.Millisecond
)

// turns lets readers of the whole swarm read it one at a time, with pauses between. So all readers together use a
// quarter of one processor, however many there are and however often they ask, and leave the rest to commands. A reader
// that asks rarely never waits. The channel contains the time from which on the next reader may start; it is empty
// during a read.
type turns chan time.Time

func newTurns() turns {
	t := make(turns, 1)
	t <- time.Time{}
	return t
}

// begin waits for a turn. The function that it returns ends the turn.
func (t turns) begin() (end func()) {
	time.Sleep(time.Until(<-t))
	began := time.Now()
	return func() {
		now := time.Now()
		t <- now.Add(min(restTimes*now.Sub(began), longestRest))
	}
}
