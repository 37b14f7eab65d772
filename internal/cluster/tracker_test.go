package cluster

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// watch feeds a tracker, a second at a time.
type watch struct {
	tracker
	now  time.Time
	lost []swarm.NodeID
}

func newWatch() *watch {
	return &watch{
		tracker: tracker{lease: 5 * time.Second, nodes: map[string]*sighting{}}, now: time.Unix(1000, 0),
	}
}

func (w *watch) reads(leases ...lease) {
	w.now = w.now.Add(time.Second)
	lost, _ := w.read(w.now, leases)
	w.lost = append(w.lost, lost...)
}

func (w *watch) expect(t *testing.T, when string, lost ...string) {
	t.Helper()
	var names []string
	for _, id := range w.lost {
		names = append(names, id.Name+"/"+id.Instance)
	}
	if !slices.Equal(names, lost) {
		t.Errorf("%s: lost %q, want %q", when, names, lost)
	}
}

func entryOf(name, instance string, revision uint64) lease {
	return lease{name: name, instance: instance, revision: revision}
}

func TestANodeIsLostWhenItsLeaseExpires(t *testing.T) {
	w := newWatch()
	for i := range uint64(10) {
		w.reads(entryOf("a", "1", 100+i), entryOf("b", "1", 200+i))
	}
	for range 4 { // the entry is there until it expires
		w.reads(entryOf("a", "1", 109), entryOf("b", "1", 210))
	}
	w.expect(t, "before it expires")
	w.reads(entryOf("b", "1", 211))
	w.expect(t, "after it has expired", "a/1")
	for range 100 {
		w.reads(entryOf("b", "1", 212))
	}
	w.expect(t, "much later", "a/1")
	if _, shown := w.nodes["a"]; shown {
		t.Error("a lost node is never forgotten")
	}
}

func TestOtherWaysToLoseANode(t *testing.T) {
	w := newWatch()
	w.reads(entryOf("a", "1", 1), entryOf("b", "1", 2))
	w.reads(entryOf("a", "2", 3), lease{name: "b", revision: 4, deleted: true})
	w.expect(t, "a new instance and an orderly stop", "a/1", "b/1")
	want := []swarm.NodeID{{Name: "a", Instance: "2"}}
	if diff := cmp.Diff(want, w.alive()); diff != "" {
		t.Error(diff)
	}
	w.reads(entryOf("a", "2", 3), entryOf("b", "1", 5))
	w.reads(entryOf("a", "2", 3), lease{name: "b", revision: 6, deleted: true})
	w.expect(t, "the same instance came back, and left", "a/1", "b/1", "b/1")
}

// NATS forgets what it had in memory when it restarts, and lets entries expire while it has no leader.
func TestNobodyIsLostWhileNATSIsAway(t *testing.T) {
	for _, away := range []time.Duration{time.Second, 4 * time.Second, 20 * time.Second} {
		w := newWatch()
		for i := range uint64(10) {
			w.reads(entryOf("a", "1", i+1), entryOf("b", "1", i+1))
		}
		w.failed()
		w.now = w.now.Add(away)
		for range 4 {
			w.reads() // nobody has renewed yet
		}
		w.reads(entryOf("a", "1", 1))
		w.expect(t, "soon after "+away.String())
		w.reads(entryOf("a", "1", 2))
		w.expect(t, "a whole lease after "+away.String(), "b/1")
		if len(w.alive()) != 1 {
			t.Errorf("alive: %v", w.alive())
		}
	}
}

// This process was paused: it has not seen the renewals meanwhile.
func TestNobodyIsLostBecauseThisNodeWasPaused(t *testing.T) {
	w := newWatch()
	w.reads(entryOf("a", "1", 1))
	w.now = w.now.Add(time.Minute)
	w.reads()
	w.expect(t, "after the pause")
	for range 5 {
		w.reads()
	}
	w.expect(t, "a lease later", "a/1")
}

// A stale reading shows a node that is alive as missing.
func TestOneReadingIsNotEnough(t *testing.T) {
	w := newWatch()
	for i := range uint64(10) {
		w.reads(entryOf("a", "1", i+1))
	}
	w.reads()
	w.reads(entryOf("a", "1", 11))
	w.expect(t, "after one reading without it")
}

func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		events := make(chan string, 10)
		var h *hold
		h = newHold(5*time.Second, func() {
			if h.holds() {
				t.Error("it holds while the loss is reported")
			}
			events <- "lost"
		}, func() { events <- "renewed" })
		go h.run(t.Context())
		expect := func(when string, holds bool, want ...string) {
			t.Helper()
			synctest.Wait()
			var got []string
			for len(events) > 0 {
				got = append(got, <-events)
			}
			if h.holds() != holds || !slices.Equal(got, want) {
				t.Errorf("%s: it holds: %t; %q, want %q", when, h.holds(), got, want)
			}
		}
		expect("before it is taken", false)
		h.renew(time.Now())
		expect("taken", true)
		<-time.After(4 * time.Second)
		h.renew(time.Now().Add(-2 * time.Second)) // when it was sent
		<-time.After(3*time.Second - 1)
		expect("before it ends", true)
		<-time.After(1)
		expect("at its end", false, "lost")
		<-time.After(time.Hour)
		expect("much later", false)
		h.renew(time.Now())
		expect("renewed", true, "renewed")
		<-time.After(time.Hour)
		expect("lost again", false, "lost")
		h.renew(time.Now().Add(-5 * time.Second))
		expect("renewed too late", false)
		h.renew(time.Now())
		expect("renewed again", true, "renewed")
		h.release()
		expect("released", false)
	})
}

// After a pause a renewal may succeed before anything else runs. The loss is reported nevertheless, and before that the
// node does not hold its lease.
func TestALapseIsReportedEvenIfItIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		events := make(chan string, 10)
		h := newHold(5*time.Second, func() { events <- "lost"; <-release }, func() { events <- "renewed" })
		h.renew(time.Now())
		<-time.After(time.Minute) // nothing ran
		h.renew(time.Now())
		if h.holds() {
			t.Error("it holds before the loss was reported")
		}
		go h.run(t.Context())
		synctest.Wait()
		if h.holds() || len(events) != 1 || <-events != "lost" {
			t.Error("it holds, or the loss was not reported")
		}
		close(release)
		synctest.Wait()
		if !h.holds() || len(events) != 1 || <-events != "renewed" {
			t.Error("it does not hold after the renewal")
		}
	})
}
