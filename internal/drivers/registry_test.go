package drivers

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

func TestTargets(t *testing.T) {
	inWorld(t, func(w *world) {
		w.join("b", `,"labels":{"region":"eu"}`)
		w.join("a", `,"labels":{"region":"us"},"capabilities":["stop"]`)
		w.join("c", `,"labels":{"region":"eu","size":"l"}`)
		for name, c := range map[string]struct {
			target swarm.Target
			want   []string
		}{
			"all":                {swarm.Target{}, []string{"a", "b", "c"}},
			"by label":           {swarm.Target{Labels: map[string]string{"region": "eu"}}, []string{"b", "c"}},
			"by id, named twice": {swarm.Target{DriverIDs: []string{"c", "a", "c", "nobody"}}, []string{"a", "c"}},
			"by both": {swarm.Target{DriverIDs: []string{"a", "b"},
				Labels: map[string]string{"region": "eu"}}, []string{"b"}},
			"by no match": {swarm.Target{Labels: map[string]string{"region": "mars"}}, nil},
		} {
			var got []string
			for _, s := range w.active(c.target) {
				got = append(got, s.DriverID)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	})
}

func TestOfferReportsUndelivered(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("here", "")
		w.join("left", "")
		_ = p
		w.offer(2, set10, "here", "never")
		synctest.Wait()
		if diff := cmp.Diff([]string{`["undelivered","never",2]`}, w.sink.all()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestCapabilitiesLimitWhatIsSent(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("stopper", `,"capabilities":["stop"]`)
		w.offer(2, set10, "stopper")
		w.offer(3, stop, "stopper")
		var cmd wire.CommandFrame
		p.receive(&cmd)
		if cmd.Seq != 3 {
			t.Errorf("got seq %d first, want the stop, 3", cmd.Seq)
		}
		_, reg := w.join("late-stopper", `,"capabilities":["set_spawn_delay_ms"]`)
		if len(reg.Desired) != 0 {
			t.Errorf("desired of a driver that cannot do it: %+v", reg.Desired)
		}
	})
}

func TestRegisterReturnsTheDesiredState(t *testing.T) {
	inWorld(t, func(w *world) {
		w.r.Reset(2)
		if _, reg := w.join("idle", `,"state":{"players":0}`); len(reg.Desired) != 0 {
			t.Errorf("an idle driver after a reset receives %+v", reg.Desired)
		}
		if d := w.r.State(swarm.StateQuery{}).Drivers[0]; d.Kind() != swarm.DriftConverged {
			t.Errorf("an idle driver after a reset: %+v", d)
		}
		if _, reg := w.join("mute", ""); len(reg.Desired) != 1 || reg.Desired[0].Command.Type != "stop" {
			t.Errorf("a driver that does not report its state receives %+v after a reset, want stop", reg.Desired)
		}
		_, reg := w.join("runaway", `,"state":{"players":7,"running":true}`)
		if len(reg.Desired) != 1 || reg.Desired[0].Command.Type != "stop" {
			t.Errorf("a running driver after a reset receives %+v, want stop", reg.Desired)
		}
		w.offer(3, swarm.Command{Type: command.SetSpawnDelay, Value: 9}, "idle")
		w.offer(4, set20, "idle")
		_, reg = w.join("late", "")
		var seqs []uint64
		for _, d := range reg.Desired {
			seqs = append(seqs, d.Seq)
		}
		if !slices.Equal(seqs, []uint64{3, 4}) {
			t.Errorf("a late joiner receives %v, want 3 and 4", seqs)
		}
	})
}

// TestNoCommandIsLostBetweenOfferAndRegister registers drivers while commands are offered: each driver must receive the
// newest command, in the answer to register or live, and never twice or out of order.
func TestNoCommandIsLostBetweenOfferAndRegister(t *testing.T) {
	const drivers, commands = 40, 200
	inWorld(t, func(w *world) {
		var wg sync.WaitGroup
		wg.Go(func() {
			for seq := uint64(2); seq < 2+commands; seq++ {
				w.offer(seq, swarm.Command{Type: command.SetPlayers, Value: int64(seq)})
			}
		})
		for i := range drivers {
			wg.Go(func() {
				p, reg := w.join(fmt.Sprintf("d-%d", i), "")
				var last uint64
				for _, d := range reg.Desired {
					last = d.Seq
				}
				for last < 1+commands {
					var cmd wire.CommandFrame
					p.receive(&cmd)
					if cmd.Seq <= last {
						t.Errorf("d-%d got seq %d after %d", i, cmd.Seq, last)
					}
					last = cmd.Seq
				}
			})
		}
		wg.Wait()
	})
}

func TestLostDriversAreShownThenForgottenAndLoadIsReset(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("d-1", "")
		w.offer(2, set10, "d-1")
		_ = p.ws.CloseNow()
		synctest.Wait()
		if d, _ := w.r.Driver("d-1"); d.State != swarm.Disconnected {
			t.Errorf("lost driver is %s", d.State)
		}
		swarmtest.Advance(10*time.Minute + time.Second)
		synctest.Wait()
		if got := w.r.Drivers(); len(got) != 0 {
			t.Errorf("still shown: %v", got)
		}
		want := []string{`["disconnected","d-1","disconnected"]`, `["reset","no driver was connected for 10m0s"]`}
		if diff := cmp.Diff(want, w.sink.all()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	if _, err := New(Config{HeartbeatInterval: time.Second, StaleAfter: time.Second, OnLeaseLost: "panic"}, &sinkLog{},
		&sinkLog{}); err == nil {
		t.Error("a senseless config was taken")
	}
}
