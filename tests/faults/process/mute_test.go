package process_test

import (
	"sync"
	"testing"
	"time"
)

// TestSocketsThatNeverRegister opens many connections that send nothing. Each is closed with 4005 when the time to
// register is over, and another driver still obeys commands.
func TestSocketsThatNeverRegister(t *testing.T) {
	w := newWorld(t, 1)
	n := min(rounds(500, 4500), int(openFiles(t)/4))
	closed := tally{t: t, what: "connections that never registered and were not closed with 4005"}
	before := w.server.peakBytes(t)
	began := time.Now()
	var all sync.WaitGroup
	for range n {
		all.Go(func() {
			b, err := open(w.server.Addr, patience)
			if err != nil {
				closed.trial(false, "%v", err)
				return
			}
			defer func() { _ = b.conn.Close() }()
			code, err := b.code()
			closed.trial(code == 4005, "closed with %d (%v)", code, err)
		})
	}
	over := make(chan struct{})
	go func() { // ends with the last connection
		all.Wait()
		close(over)
	}()
	commands, slowest := w.commandUntil(over)
	closed.report()
	t.Logf("%d silent connections closed %v after the first was opened, %d KiB each at most; %d commands beside, the "+
		"slowest took %v",
		n, time.Since(began).Round(time.Millisecond), (w.server.peakBytes(t)-before)>>10/int64(n), commands, slowest)
}

// commandUntil sends commands that every driver has to ack.
func (w *world) commandUntil(over <-chan struct{}) (n int, slowest time.Duration) {
	w.t.Helper()
	for {
		select {
		case <-over:
			return n, slowest
		default:
		}
		began := time.Now()
		w.all(w.t, len(w.drivers), command{submitter: "ops", players: int64(n)})
		n, slowest = n+1, max(slowest, time.Since(began))
	}
}
