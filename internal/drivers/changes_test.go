package drivers

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// changedSince returns the ids of the drivers that a node reports as changed, and the new revision.
func (w *world) changedSince(after uint64) (present, departed []string, c swarm.RosterChanges) {
	c = w.r.Changes(after)
	for _, p := range c.Present {
		present = append(present, p.ID)
	}
	for _, d := range c.Departed {
		departed = append(departed, d.DriverID)
	}
	return present, departed, c
}

func (w *world) signalled() bool {
	synctest.Wait()
	select {
	case <-w.r.Changed():
		return true
	default:
		return false
	}
}

// TestEachChangeIsReported: once, and the other drivers are not. Those that other nodes must know at once are
// signalled.
func TestEachChangeIsReported(t *testing.T) {
	inTwo(t, func(_ *nodes, w, _ *world) {
		var all []*peer
		for i := range 4 {
			p, _ := w.join(fmt.Sprint("d-", i), `,"state":{"players":1}`)
			all = append(all, p)
		}
		present, _, c := w.changedSince(0)
		if len(present) != 4 || !c.Whole || c.From != 0 {
			t.Errorf("at first %+v", c)
		}
		w.signalled()
		for _, tc := range []struct {
			name     string
			do       func()
			signal   bool
			departed bool
		}{
			{"a heartbeat", func() { all[1].send(`{"type":"heartbeat","state":{"players":9}}`) }, false, false},
			{"an ack", func() {
				w.offerTo(2, set10, swarm.Target{DriverIDs: []string{"d-1"}})
				all[1].command()
				all[1].send(`{"type":"command_ack","seq":2,"status":"applied"}`)
			}, false, false},
			{"a missed deadline", func() { w.r.DeadlineMissed([]string{"d-1"}) }, false, false},
			{"a session that retires", func() {
				w.r.mu.Lock()
				w.r.retire(w.r.members["d-1"].session, time.Now(), false)
				w.r.mu.Unlock()
			}, true, false},
			{"a takeover", func() { all[1], _ = w.join("d-1", "") }, true, false},
			{"a loss", func() { _ = all[1].ws.CloseNow() }, true, false},
			{"a return", func() { all[1], _ = w.join("d-1", "") }, true, false},
			{"a deregistration", func() { all[1].leave() }, true, true},
		} {
			tc.do()
			if got := w.signalled(); got != tc.signal {
				t.Errorf("%s: signalled: %v", tc.name, got)
			}
			after := c.To
			var departed []string
			present, departed, c = w.changedSince(after)
			want, left := []string{"d-1"}, []string(nil)
			if tc.departed {
				want, left = left, want
			}
			if !slices.Equal(present, want) || !slices.Equal(departed, left) || c.Whole || c.From != after {
				t.Errorf("%s: %+v", tc.name, c)
			}
			if present, departed, c = w.changedSince(c.To); len(present)+len(departed) > 0 {
				t.Errorf("%s is reported again: %+v", tc.name, c)
			}
		}
	})
}

// TestAStaleDriverIsReported, although nothing comes from it.
func TestAStaleDriverIsReported(t *testing.T) {
	inTwo(t, func(x *nodes, a, b *world) {
		p, _ := a.join("d-1", "")
		x.exchange()
		b.expect("d-1")
		<-time.After(4 * time.Second)
		x.exchange()
		b.expect("d-1 stale")
		p.send(`{"type":"heartbeat"}`)
		x.exchange()
		b.expect("d-1")
	})
}

// TestNoChangeIsMissed: drivers report while others ask for changes. What the last report of each says is in the
// changes that follow it.
func TestNoChangeIsMissed(t *testing.T) {
	const drivers, reports = 600, 200
	r, sessions := large(t, drivers)
	seen := map[string]int64{}
	var last uint64
	note := func(c swarm.RosterChanges) {
		last = c.To
		for _, p := range c.Present {
			seen[p.ID] = p.Reported.Players
		}
	}
	var wg sync.WaitGroup
	for _, some := range [][]*session{sessions[:drivers/2], sessions[drivers/2:]} {
		wg.Go(func() {
			for n := range reports {
				for _, s := range some {
					s.member.heard(&wire.Heartbeat{State: &swarm.Report{Players: int64(n)}}, 0)
					r.touch(s.member)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { wg.Wait(); close(over) }()
	for done := false; !done; {
		select {
		case <-over:
			done = true
		default:
		}
		note(r.Changes(last))
	}
	for id, n := range seen {
		if n != reports-1 {
			t.Fatalf("%s is known with its report %d of %d", id, n, reports)
		}
	}
	if len(seen) != drivers {
		t.Errorf("%d drivers were reported", len(seen))
	}
}

// TestDeparturesAreBounded: who has missed some that are not remembered receives all drivers.
func TestDeparturesAreBounded(t *testing.T) {
	var d departures
	for i := range maxDepartures + 10 {
		d.add(departed{swarm.Departure{DriverID: fmt.Sprint(i)}, uint64(i + 1), time.Now()})
	}
	if len(d.list) != maxDepartures {
		t.Errorf("%d are remembered", len(d.list))
	}
	for after, incomplete := range map[uint64]bool{0: true, 9: true, 10: false, 11: false} {
		if _, got := d.since(after); got != incomplete {
			t.Errorf("after %d: incomplete %v", after, got)
		}
	}
	if out, _ := d.since(maxDepartures + 9); len(out) != 1 || out[0].DriverID != fmt.Sprint(maxDepartures+9) {
		t.Errorf("got %v", out)
	}
}

// TestADriverThatIsForgottenDeparts: as lost, not as deregistered. A node that has not heard of it receives all.
func TestADriverThatIsForgottenDeparts(t *testing.T) {
	inTwo(t, func(x *nodes, a, b *world) {
		p, _ := a.join("d-1", "")
		x.exchange()
		_ = p.ws.CloseNow()
		x.exchange()
		b.expect("d-1 disconnected")
		<-time.After(forget + time.Second)
		_, departed, c := a.changedSince(x.sent[0])
		if !slices.Equal(departed, []string{"d-1"}) || c.Departed[0].Deregistered {
			t.Errorf("%+v", c)
		}
		x.exchange()
		b.expect()
		<-time.After(forget + time.Second)
		if c := a.r.Changes(1); !c.Whole || len(c.Departed) != 0 {
			t.Errorf("who has missed what is forgotten receives %+v", c)
		}
	})
}
