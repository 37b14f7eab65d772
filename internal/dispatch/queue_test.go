package dispatch

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// TestStopsGoFirst: during a slow append, many commands and then Stops are submitted. The Stops are issued next, and
// the others keep their order.
func TestStopsGoFirst(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		slow := make(chan struct{})
		w.log.Refuse(func([]swarm.Record) error { <-slow; return nil })
		const waiting = maxBatch + 40 // more than one batch takes
		var mu sync.Mutex
		seqs := make(map[string]uint64)
		submit := func(name string, s swarm.Submission) {
			go func() {
				if r, err := w.d.Submit(t.Context(), s); err == nil {
					mu.Lock()
					defer mu.Unlock()
					seqs[name] = r.Seq()
				}
			}()
			synctest.Wait()
		}
		submit("first", from("ci", -1, 1))
		for i := range waiting {
			submit(fmt.Sprint(i), from("flood", -1, int64(i)))
		}
		for i := range 3 {
			submit(fmt.Sprint("stop ", i), from("ops", -1, -1))
		}
		close(slow)
		swarmtest.Advance(time.Minute)
		synctest.Wait()
		if len(seqs) != waiting+4 {
			t.Fatalf("%d of %d were issued", len(seqs), waiting+4)
		}
		for i := range waiting {
			if seqs[fmt.Sprint(i)] < seqs["stop 2"] || i > 0 && seqs[fmt.Sprint(i)] < seqs[fmt.Sprint(i-1)] {
				t.Fatalf("command %d has seq %d, the Stops have %d to %d", i, seqs[fmt.Sprint(i)], seqs["stop 0"],
					seqs["stop 2"])
			}
		}
		if seqs["stop 0"] > seqs["stop 1"] || seqs["stop 1"] > seqs["stop 2"] || seqs["first"] > seqs["stop 0"] {
			t.Errorf("Stops at %d, %d and %d after the first at %d", seqs["stop 0"], seqs["stop 1"], seqs["stop 2"],
				seqs["first"])
		}
	})
}

// TestAnAppendIsBounded: NATS stores at most 1,000 records as one. What is left comes next, in order.
func TestAnAppendIsBounded(t *testing.T) {
	q := newQueue()
	const n = 2500
	for i := range uint64(n) {
		q.closeCall(&Call{seq: i, issued: &swarm.Issued{}})
		q.late(i)
		q.submit(&submission{})
		q.expire([]*swarm.Expired{{Replaced: i}})
	}
	var closes, lates, submits, expired uint64
	for range n {
		b, _ := q.take()
		if records := len(b.closes) + len(b.lates) + len(b.submits) + len(b.expired); records > 1000-8 {
			t.Fatalf("an append of %d records", records)
		}
		for _, c := range b.closes {
			if c.seq != closes {
				t.Fatalf("outcome %d comes after %d others", c.seq, closes)
			}
			closes++
		}
		for _, e := range b.expired {
			if e.Replaced != expired {
				t.Fatalf("expiry %d comes after %d others", e.Replaced, expired)
			}
			expired++
		}
		lates, submits = lates+uint64(len(b.lates)), submits+uint64(len(b.submits))
	}
	if closes != n || lates != n || submits != n || expired != n {
		t.Errorf("took %d outcomes, %d late answers, %d commands, %d expiries of %d each", closes, lates, submits, expired, n)
	}
}
