package drivers

import "time"

const (
	// lookAtOnce is how many drivers a reader of the whole swarm looks at before commands have their turn.
	lookAtOnce = 256
	// A look is followed by a rest that is so many times as long, and bounded.
	restTimes   = 3
	longestRest = 50 * time.Millisecond
)

// turns lets readers of the whole swarm look at it one at a time, with rests between. So all together they have a
// quarter of one processor, however many they are and however often they ask; those who command have the rest. Who
// reads now and then never waits.
type turns chan time.Time // it has from when on the next may look, and is empty while somebody does

func newTurns() turns {
	t := make(turns, 1)
	t <- time.Time{}
	return t
}

// begin waits for a turn. The function it returns ends it.
func (t turns) begin() (end func()) {
	time.Sleep(time.Until(<-t))
	began := time.Now()
	return func() {
		now := time.Now()
		t <- now.Add(min(restTimes*now.Sub(began), longestRest))
	}
}
