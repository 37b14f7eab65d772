package drivers

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

const forget = 10 * time.Minute // of the worlds of these tests

// leave makes a driver deregister.
func (p *peer) leave() {
	p.send(`{"type":"deregister"}`)
	synctest.Wait()
}

// TestLoadWithoutMatchingDriversExpires: the load of a driver that left is not started by the next driver with its id
// or its label.
func TestLoadWithoutMatchingDriversExpires(t *testing.T) {
	inWorld(t, func(w *world) {
		keeper, _ := w.join("keeper", "")
		go keeper.keepAlive()
		w.offerTo(2, set10, swarm.Target{DriverIDs: []string{"keeper"}})
		gone, _ := w.join("pod-5", `,"labels":{"zone":"eu"}`)
		w.offerTo(3, set20, swarm.Target{DriverIDs: []string{"pod-5"}})
		w.offerTo(4, set20, swarm.Target{Labels: map[string]string{"zone": "eu"}})
		gone.leave()
		swarmtest.Advance(forget - time.Second)
		if n := w.sink.count("expire"); n != 0 {
			t.Fatalf("%d commands expired before forget_after was over", n)
		}
		swarmtest.Advance(15 * time.Second)
		want := []string{text("expire", uint64(3), []string{"pod-5"}, map[string]string(nil)),
			text("expire", uint64(4), []string(nil), map[string]string{"zone": "eu"})}
		if got := w.sink.only("expire"); text(got[:min(len(got), 2)]) != text(want) {
			t.Fatalf("asked for %v, want %v", got, want)
		}
		w.r.Expire(5, &swarm.Expired{Replaced: 3, Target: swarm.Target{DriverIDs: []string{"pod-5"}}})
		w.r.Expire(6, &swarm.Expired{Replaced: 4, Target: swarm.Target{Labels: map[string]string{"zone": "eu"}}})
		for _, who := range []string{"pod-5", "pod-6"} {
			if _, reg := w.join(who, `,"labels":{"zone":"eu"},"state":{"players":0}`); len(reg.Desired) != 0 {
				t.Errorf("%s, which is at rest, receives %+v", who, reg.Desired)
			}
			_, reg := w.join(who, `,"labels":{"zone":"eu"},"state":{"players":20,"running":true}`)
			if len(reg.Desired) != 1 || reg.Desired[0].Seq != 6 || reg.Desired[0].Command.Type != "stop" {
				t.Errorf("%s, which still runs, receives %+v, want the Stop of seq 6", who, reg.Desired)
			}
		}
	})
}

// TestADriverThatJoinedMeanwhileIsStopped: the load expires while its driver reconnects and receives it.
func TestADriverThatJoinedMeanwhileIsStopped(t *testing.T) {
	inWorld(t, func(w *world) {
		w.offerTo(3, set20, swarm.Target{DriverIDs: []string{"pod-5"}})
		p, reg := w.join("pod-5", "")
		if len(reg.Desired) != 1 {
			t.Fatalf("told %+v", reg.Desired)
		}
		other, _ := w.join("pod-6", "")
		w.r.Expire(4, &swarm.Expired{Replaced: 3, Target: swarm.Target{DriverIDs: []string{"pod-5"}}})
		w.offerTo(5, set10, swarm.Target{DriverIDs: []string{"pod-6"}})
		if c := p.command(); c.Seq != 4 || c.Command.Type != "stop" {
			t.Errorf("told %+v, want the Stop of seq 4", c)
		}
		if c := other.command(); c.Seq != 5 {
			t.Errorf("another driver receives %+v", c)
		}
	})
}

// TestRulesOfDriversThatLeftDoNotAccumulate: memory is bounded by the known drivers and the last forget_after.
func TestRulesOfDriversThatLeftDoNotAccumulate(t *testing.T) {
	inWorld(t, func(w *world) {
		keeper, _ := w.join("keeper", "")
		go keeper.keepAlive()
		seq := uint64(2)
		w.offerTo(seq, set10, swarm.Target{})
		for i := range 200 {
			seq += 3
			target := swarm.Target{DriverIDs: []string{fmt.Sprint("pod-", i)}}
			if i%2 == 0 {
				target = swarm.Target{Labels: map[string]string{"pod": fmt.Sprint(i)}}
			}
			w.offerTo(seq, set20, target)
			w.offerTo(seq+1, swarm.Command{Type: command.SetSpawnDelay, Value: 5}, target)
			if i%3 == 0 { // the others leave their load on
				w.offerTo(seq+2, stop, target)
			}
		}
		expired := seq + 10
		w.sink.expiring(func(e *swarm.Expired) {
			expired++
			go w.r.Expire(expired, e)
		})
		swarmtest.Advance(3*forget + time.Minute)
		synctest.Wait()
		stops := 0
		for _, r := range w.r.State(swarm.StateQuery{}).Rules {
			switch {
			case len(r.Target.DriverIDs)+len(r.Target.Labels) == 0:
			case r.Command.Type == command.Stop && !r.Reset:
				stops++
			default:
				t.Errorf("keeps %+v", r)
			}
		}
		if stops != 67 {
			t.Errorf("keeps %d Stops, want the 67 that submitters sent: without them load for all would reach these "+
				"drivers", stops)
		}
		w.offerTo(expired+1, stop, swarm.Target{})
		if n := len(w.r.State(swarm.StateQuery{}).Rules); n != 1 {
			t.Errorf("after a Stop for all it keeps %d rules", n)
		}
	})
}

// TestKnownIsAsLongAsTheLease: if forget_after is shorter than the lease, a lost driver stays known, and no other
// driver gets its share, until its lease expires.
func TestKnownIsAsLongAsTheLease(t *testing.T) {
	inWorldWith(t, func(c *Config) {
		c.ForgetAfter, c.LeaseTTL, c.Resplit = 20*time.Second, 15*time.Minute, ResplitOnChange
	}, func(w *world) {
		a, _ := w.join("a", "")
		go a.keepAlive()
		b, _ := w.join("b", "")
		w.total(5, []string{"a", "b"}, 50, 50)
		_ = b.ws.CloseNow()
		swarmtest.Advance(15*time.Minute - time.Second)
		if _, known := w.r.Driver("b"); !known || w.sink.count("resplit") != 0 {
			t.Errorf("known %v, reported %v, while b may be running", known, w.sink.all())
		}
		swarmtest.Advance(3 * time.Second)
		if _, known := w.r.Driver("b"); known || w.sink.count("resplit") == 0 {
			t.Errorf("known %v, reported %v, after its lease", known, w.sink.all())
		}
	})
}
