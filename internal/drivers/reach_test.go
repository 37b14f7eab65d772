package drivers

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func label(key, value string) swarm.Target {
	return swarm.Target{Labels: map[string]string{key: value}}
}

// TestReach distinguishes a typo from drivers that have left, and from drivers that have not returned after a restart.
func TestReach(t *testing.T) {
	inWorldWith(t, func(c *Config) {
		c.Past.Drivers = []swarm.Former{
			{ID: "before", Labels: map[string]string{"zone": "us"}, At: time.Now().Add(-time.Minute),
				Deregistered: true},
			{ID: "long-ago", Labels: map[string]string{"zone": "asia"}, At: time.Now().Add(-forget)},
		}
	}, func(w *world) {
		left, _ := w.join("left", `,"labels":{"zone":"af"}`)
		left.leave()
		reach := func(t swarm.Target) swarm.Reach { return w.r.Reach(t) }
		for _, tc := range []struct {
			what    string
			target  swarm.Target
			left    bool
			awaited bool
		}{
			{"everybody", swarm.Target{}, true, true},
			{"who has just left", label("zone", "af"), true, true},
			{"its id", swarm.Target{DriverIDs: []string{"left"}}, true, true},
			{"who left before the restart", label("zone", "us"), true, true},
			{"who was there too long ago", label("zone", "asia"), false, true},
			{"a label that nobody had", label("zone", "eu"), false, true},
		} {
			if got := reach(tc.target); got.Left != tc.left || got.Awaited != tc.awaited ||
				len(got.InUse.Labels)+len(got.InUse.DriverIDs) != 0 {
				t.Errorf("%s: %+v", tc.what, got)
			}
		}
		a, _ := w.join("a", `,"labels":{"zone":"us","team":"shop"}`)
		go a.keepAlive()
		want := swarm.InUse{Labels: map[string][]string{"zone": {"us"}, "team": {"shop"}}, DriverIDs: []string{"a"}}
		typo := swarm.Target{DriverIDs: []string{"a", "b"},
			Labels: map[string]string{"zone": "eu", "team": "shop", "none": "x"}}
		if got := reach(typo); got.Awaited || got.Left || cmp.Diff(want, got.InUse) != "" {
			t.Errorf("a typo: %+v", got)
		}
		if got := reach(label("zone", "af")); !got.Awaited || !got.Left {
			t.Errorf("who has just left, while others have another zone: %+v", got)
		}
		swarmtest.Advance(forget)
		if got := reach(label("team", "b")); got.Awaited {
			t.Errorf("long after the start: %+v", got)
		}
		if got := reach(label("zone", "af")); got.Left {
			t.Errorf("who left %v ago: %+v", forget, got)
		}
	})
}

// TestFormerDriversAreRemembered: Remembered returns them for the next process.
func TestFormerDriversAreRemembered(t *testing.T) {
	inWorldWith(t, func(c *Config) {
		c.Past.Drivers = []swarm.Former{{ID: "back", At: time.Now(), Deregistered: true},
			{ID: "before", At: time.Now(), Deregistered: true}}
	}, func(w *world) {
		w.join("back", `,"labels":{"a":"b"}`)
		lost, _ := w.join("lost", "")
		_ = lost.ws.CloseNow()
		left, _ := w.join("left", "")
		left.leave()
		select {
		case <-w.r.Left():
		default:
			t.Error("Left does not report that a driver has left")
		}
		began := time.Now()
		want := []swarm.Former{
			{ID: "back", Labels: map[string]string{"a": "b"}, At: began}, {ID: "before", At: began, Deregistered: true},
			{ID: "left", At: began, Deregistered: true}, {ID: "lost", At: began},
		}
		if diff := cmp.Diff(want, w.r.Remembered()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestFormerIsBounded(t *testing.T) {
	f := newFormer(nil)
	for i := range maxFormer + 10 {
		f.add(swarm.Former{ID: fmt.Sprint(i), At: time.Unix(int64(i), 0), Deregistered: true})
	}
	f.add(swarm.Former{ID: fmt.Sprint(20), At: time.Unix(maxFormer+20, 0), Deregistered: true})
	f.trim(time.Unix(100, 0))
	if len(f.had) > maxFormer || len(f.left) > maxFormer || f.deregistered(fmt.Sprint(5)) ||
		!f.deregistered(fmt.Sprint(20)) {
		t.Errorf("%d drivers are remembered", len(f.had))
	}
	if labels := (swarm.Target{DriverIDs: []string{fmt.Sprint(50)}}); f.matches(labels) {
		t.Error("the labels of a driver that left too long ago are remembered")
	}
}

// TestTheNextJobUsesTheSameIDs: the labels of the previous job's drivers are remembered, whether they deregistered or
// changed their labels.
func TestTheNextJobUsesTheSameIDs(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.join("d-1", `,"labels":{"job":"1"}`)
		a.leave()
		w.join("d-1", `,"labels":{"job":"2"}`)
		w.join("d-1", `,"labels":{"job":"3"}`)
		for job, left := range map[string]bool{"1": true, "2": true, "4": false} {
			if got := w.r.Reach(label("job", job)); got.Left != left {
				t.Errorf("job %s: %+v", job, got)
			}
		}
	})
}

// TestAValueThatIsRightIsNoTypo: one label of the target is in use, and no driver has the key of the other.
func TestAValueThatIsRightIsNoTypo(t *testing.T) {
	inWorld(t, func(w *world) {
		w.join("d-1", `,"labels":{"region":"eu"}`)
		both := swarm.Target{Labels: map[string]string{"region": "eu", "app": "shop"}}
		if got := w.r.Reach(both); !got.Awaited {
			t.Errorf("got %+v", got)
		}
		both.Labels["region"] = "us"
		if got := w.r.Reach(both); got.Awaited {
			t.Errorf("with another region: %+v", got)
		}
	})
}

// TestAProofStays: a driver that has deregistered is not pending again when its labels are forgotten.
func TestAProofStays(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.join("a", "")
		e := swarm.Entry{Seq: 5, Issued: &swarm.Issued{Command: stop, Targets: []string{"a"}},
			Closed: &swarm.Closed{Verdicts: []swarm.Verdict{{Kind: swarm.Missing}}}}
		w.offer(5, stop, "a")
		a.leave()
		swarmtest.Advance(forget + time.Minute)
		if p, s := w.r.Progress(e), w.r.Stopped(e); len(p.Outstanding) != 0 || s.Stopped != 1 {
			t.Errorf("%+v, %+v", p, s)
		}
	})
}

// TestAnUnsupportedCommandIsNeverApplied, whatever other commands the driver acks.
func TestAnUnsupportedCommandIsNeverApplied(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.join("a", `,"capabilities":["stop","set_spawn_delay_ms"]`)
		e := swarm.Entry{Seq: 5, Issued: &swarm.Issued{Command: set10, Targets: []string{"a"}},
			Closed: &swarm.Closed{Verdicts: []swarm.Verdict{{Kind: swarm.Rejected}}}}
		w.offer(5, set10, "a")
		w.offer(6, swarm.Command{Type: command.SetSpawnDelay, Value: 7}, "a")
		a.send(`{"type":"command_ack","seq":6,"status":"applied"}`)
		synctest.Wait()
		if p := w.r.Progress(e); len(p.Outstanding) != 1 {
			t.Errorf("got %+v", p)
		}
	})
}

// TestProgressNamesTheDeregistered: they are not lost, whether the command still holds or not, until they return.
func TestProgressNamesTheDeregistered(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.join("a", "")
		w.join("b", "")
		e := swarm.Entry{Issued: &swarm.Issued{
			Command: swarm.Command{Type: command.SetPlayers, Value: 3}, Targets: []string{"a", "b"},
			LeftOut: []swarm.LeftOut{{DriverID: "c", Reason: swarm.LeftOutStale},
				{DriverID: "d", Reason: swarm.LeftOutOtherRun}},
		}}
		if p := w.r.Progress(e); len(p.Deregistered) > 0 {
			t.Errorf("while all are there: %v", p.Deregistered)
		}
		a.leave()
		// as the previous process knew them
		w.r.former.add(swarm.Former{ID: "c", At: time.Now(), Deregistered: true})
		w.r.former.add(swarm.Former{ID: "d", At: time.Now(), Deregistered: true})
		if p := w.r.Progress(e); !slices.Equal(p.Deregistered, []string{"a", "c"}) {
			t.Errorf("one has left, and one before a restart: %v", p.Deregistered)
		}
		w.join("a", "")
		if p := w.r.Progress(e); !slices.Equal(p.Deregistered, []string{"c"}) {
			t.Errorf("one is back: %v", p.Deregistered)
		}
	})
}

// TestProgress: which drivers have applied a command, which have not, and which report it.
func TestProgress(t *testing.T) {
	inWorld(t, func(w *world) {
		peers := map[string]*peer{}
		for _, id := range []string{"acked", "late", "mute", "other", "there"} {
			peers[id], _ = w.join(id, "")
		}
		e := swarm.Entry{Seq: 5, Issued: &swarm.Issued{
			Command: set10, Targets: []string{"acked", "gone", "left", "mute", "other", "refused", "there"},
			LeftOut: []swarm.LeftOut{{DriverID: "late", Reason: swarm.LeftOutStale},
				{DriverID: "theirs", Reason: swarm.LeftOutOtherRun}},
		}, Closed: &swarm.Closed{Verdicts: []swarm.Verdict{
			{Kind: swarm.Acked}, {Kind: swarm.Missing}, {Kind: swarm.Missing}, {Kind: swarm.Missing},
			{Kind: swarm.Acked}, {Kind: swarm.Rejected}, {Kind: swarm.Acked},
		}}}
		left, _ := w.join("left", "")
		left.leave()
		w.offerTo(5, set10, swarm.Target{}) // it is closed in the log, with these verdicts
		w.offerTo(6, set20, swarm.Target{DriverIDs: []string{"other"}})
		for _, id := range []string{"acked", "there", "late"} {
			players := map[string]string{"acked": "3", "there": "10", "late": "10"}[id]
			peers[id].send(`{"type":"command_ack","seq":5,"status":"applied"}`)
			peers[id].send(`{"type":"heartbeat","state":{"players":` + players + `}}`)
		}
		peers["mute"].send(`{"type":"heartbeat","state":{"players":10}}`)
		synctest.Wait()
		want := swarm.Progress{Holds: true, Outstanding: []string{"gone", "mute", "refused"},
			Converged: []string{"late", "there"}, Deregistered: []string{"left"}}
		if diff := cmp.Diff(want, w.r.Progress(e)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		swarmtest.Advance(3 * time.Second)
		if p := w.r.Progress(e); len(p.Converged) != 0 || len(p.Outstanding) != 3 {
			t.Errorf("with all of them stale: %+v", p)
		}
		w.offerTo(7, stop, swarm.Target{})
		if diff := cmp.Diff(swarm.Progress{Deregistered: []string{"left"}}, w.r.Progress(e)); diff != "" {
			t.Errorf("after a Stop for all (-want +got):\n%s", diff)
		}
	})
}

// TestARejectedCommandStaysOutstanding: even if the driver has since applied a newer one of the other slot.
func TestARejectedCommandStaysOutstanding(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.join("a", "")
		e := swarm.Entry{Seq: 5, Issued: &swarm.Issued{Command: set10, Targets: []string{"a"}},
			Closed: &swarm.Closed{Verdicts: []swarm.Verdict{{Kind: swarm.Rejected}}}}
		w.offer(5, set10, "a")
		a.send(`{"type":"command_ack","seq":5,"status":"rejected","code":"busy"}`)
		w.offer(6, swarm.Command{Type: command.SetSpawnDelay, Value: 7}, "a")
		a.send(`{"type":"command_ack","seq":6,"status":"applied"}`)
		synctest.Wait()
		if p := w.r.Progress(e); len(p.Outstanding) != 1 {
			t.Errorf("got %+v", p)
		}
	})
}

// TestANewProcessHasAppliedNothing: it has the driver id of a process that acked.
func TestANewProcessHasAppliedNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.join("a", `,"instance":"one"`)
		e := swarm.Entry{Seq: 5, Issued: &swarm.Issued{Command: set10, Targets: []string{"a"}},
			Closed: &swarm.Closed{Verdicts: []swarm.Verdict{{Kind: swarm.Acked}}}}
		w.offer(5, set10, "a")
		a.send(`{"type":"command_ack","seq":5,"status":"applied"}`)
		synctest.Wait()
		if p := w.r.Progress(e); !p.Holds || len(p.Outstanding) != 0 {
			t.Errorf("after its ack: %+v", p)
		}
		again, _ := w.join("a", `,"instance":"two"`)
		if p := w.r.Progress(e); len(p.Outstanding) != 1 {
			t.Errorf("a new process, which has not acked: %+v", p)
		}
		_ = again.ws.CloseNow()
		synctest.Wait()
		if p := w.r.Progress(e); len(p.Outstanding) != 0 {
			t.Errorf("with no driver known, the log's acks count: %+v", p)
		}
	})
}

// TestMembersHaveTheReasonWhyTheyCannotAnswer: they include stale and lost drivers that match, but none that have left.
func TestMembersHaveTheReasonWhyTheyCannotAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		w.join("stale", "")
		w.join("stale-us", `,"labels":{"region":"us"}`)
		swarmtest.Advance(3 * time.Second)
		w.join("active", "")
		lost, _ := w.join("lost", "")
		_ = lost.ws.CloseNow()
		left, _ := w.join("left", "")
		left.leave()
		type why struct {
			id     string
			reason swarm.Reason
		}
		members := func(t swarm.Target) (out []why) {
			for _, m := range w.r.Members(swarm.TargetQuery{Target: t}).Members {
				out = append(out, why{m.DriverID, m.Lost})
			}
			return out
		}
		want := []why{
			{"active", ""}, {"lost", swarm.ReasonDisconnected}, {"stale", swarm.ReasonStale},
			{"stale-us", swarm.ReasonStale},
		}
		if got := members(swarm.Target{}); !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
		named := swarm.Target{DriverIDs: []string{"stale", "lost", "never", "active"}}
		if got := members(named); !slices.Equal(got, want[:3]) {
			t.Errorf("by id: got %v, want %v", got, want[:3])
		}
		swarmtest.Advance(forget)
		if got := members(swarm.Target{DriverIDs: []string{"lost"}}); len(got) != 0 {
			t.Errorf("a forgotten driver is known: %+v", got)
		}
	})
}
