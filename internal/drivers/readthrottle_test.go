package drivers

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestTurns: reads of 10 ms follow one another with pauses of 30 ms, and a later read does not wait.
func TestTurns(t *testing.T) {
	const took = 10 * time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		looking := newTurns()
		var all sync.WaitGroup
		began := time.Now()
		for range 5 {
			all.Go(func() {
				end := looking.begin()
				<-time.After(took)
				end()
			})
		}
		all.Wait()
		if all := time.Since(began); all != (5+4*restTimes)*took {
			t.Errorf("five looks took %v, want %v", all, (5+4*restTimes)*took)
		}
		<-time.After(restTimes * took)
		began = time.Now()
		end := looking.begin()
		if waited := time.Since(began); waited != 0 {
			t.Errorf("a look after the rest waited %v", waited)
		}
		<-time.After(time.Hour)
		end()
		began = time.Now()
		looking.begin()()
		if waited := time.Since(began); waited != longestRest {
			t.Errorf("after a long look the next waited %v, want %v", waited, longestRest)
		}
	})
}
