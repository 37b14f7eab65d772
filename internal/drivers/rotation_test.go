package drivers

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// chosen chooses targets as the dispatcher does, and returns why each driver cannot be one, "" if it can.
func (w *world) chosen() map[string]swarm.Reason {
	out := map[string]swarm.Reason{}
	for _, m := range w.r.Members(swarm.TargetQuery{Choose: true}).Members {
		out[m.DriverID] = m.Lost
	}
	return out
}

// expiring returns a principal whose token expires after a while.
func expiring(in time.Duration) swarm.Principal {
	p := token("alice")
	p.Expires = time.Now().Add(in)
	return p
}

// watched is a peer whose frames are read as they come.
type watched struct {
	*peer
	frames   chan string
	received map[string]int // frames before the close, by type
	ended    chan websocket.StatusCode
}

func watch(p *peer) *watched {
	x := &watched{peer: p, frames: make(chan string, 100), received: map[string]int{},
		ended: make(chan websocket.StatusCode, 1)}
	go func() {
		for {
			_, b, err := p.ws.Read(context.Background())
			if err != nil {
				x.ended <- websocket.CloseStatus(err)
				return
			}
			kind, _ := wire.TypeOf(b)
			x.frames <- kind
		}
	}()
	return x
}

// over reports whether the server has closed the session, which must be by a drain.
func (x *watched) over() bool {
	x.t.Helper()
	synctest.Wait()
	select {
	case code := <-x.ended:
		for len(x.frames) > 0 {
			x.received[<-x.frames]++
		}
		if code != 1001 || x.received[wire.TypeDrain] != 1 {
			x.t.Errorf("closed with %d after %v", code, x.received)
		}
		x.ended <- code
		return true
	default:
		return false
	}
}

// beats sends heartbeats for a time.
func (x *watched) beats(d time.Duration) {
	x.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end) && !x.over(); {
		x.send(`{"type":"heartbeat"}`)
		swarmtest.Advance(min(500*time.Millisecond, time.Until(end)))
	}
}

// TestExpiringSessionsEndOverAMinute: at random moments of the last minute, and none after the expiry.
func TestExpiringSessionsEndOverAMinute(t *testing.T) {
	const sessions, life = 120, 10 * time.Minute
	inWorld(t, func(w *world) {
		who := expiring(life)
		w.as(who)
		var mu sync.Mutex
		var all sync.WaitGroup
		ends := map[int]int{} // by ten seconds before the expiry
		for i := range sessions {
			p, _ := w.join(fmt.Sprintf("d-%d", i), "")
			all.Go(func() {
				code, kinds := p.closed()
				left := time.Until(who.Expires)
				mu.Lock()
				defer mu.Unlock()
				ends[int(left/(10*time.Second))]++
				if code != 1001 || kinds[len(kinds)-1] != wire.TypeDrain || left < -time.Second || left > time.Minute {
					t.Errorf("closed with %d after %v, %v before the expiry", code, kinds, left)
				}
			})
		}
		all.Wait()
		for i := range 6 {
			if ends[i] == 0 {
				t.Errorf("no session ended %d0 s before the expiry: %v", i, ends)
			}
		}
	})
}

// TestADriverWithTheOldTokenReconnectsAFewTimes, although it is back at once.
func TestADriverWithTheOldTokenReconnectsAFewTimes(t *testing.T) {
	for range 20 {
		inWorld(t, func(w *world) {
			who := expiring(2 * time.Minute)
			w.as(who)
			n := 0
			for ; time.Now().Before(who.Expires); n++ {
				p, _ := w.join("d-1", `,"instance":"one"`)
				p.closed()
			}
			if n > 9 {
				t.Errorf("%d sessions", n)
			}
		})
	}
}

// TestASessionEndsBetweenCommands: it ends when it has answered, or when the deadline has passed, or when it has had
// enough time. It is no target meanwhile.
func TestASessionEndsBetweenCommands(t *testing.T) {
	const life = 20 * time.Second // it begins to retire at a random moment after 10 s
	for name, tc := range map[string]struct {
		deadline time.Duration
		ack      string
		held     time.Duration // how long it is not ended because of the command
	}{
		"an answer":          {time.Minute, `{"type":"command_ack","seq":2,"status":"applied"}`, life + time.Second},
		"a rejection":        {time.Minute, `{"type":"command_ack","seq":2,"status":"rejected","code":"busy"}`, life + time.Second},
		"a deadline":         {life + time.Second, "", life + time.Second},
		"a deadline too far": {time.Hour, "", life + patience},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				began := time.Now()
				p, _ := w.as(expiring(life)).join("d-1", "")
				x := watch(p)
				w.issue(swarm.Issue{Seq: 2, Command: set10, Targets: []string{"d-1"}, Deadline: tc.deadline})
				x.beats(tc.held - 100*time.Millisecond)
				if x.over() {
					t.Fatalf("ended after %v", time.Since(began))
				}
				if got := w.chosen(); got["d-1"] != swarm.ReasonDisconnected {
					t.Errorf("chosen: %v", got)
				}
				w.r.Settled()
				if tc.ack != "" {
					x.send(tc.ack)
					if !x.over() || w.sink.count("ack") != 1 {
						t.Errorf("answered, and it is open; %v", w.sink.all())
					}
					return
				}
				swarmtest.Advance(time.Second)
				if !x.over() {
					t.Error("it is still open")
				}
			})
		})
	}
}

// TestACommandForAChosenDriverIsDelivered: the session retires after it was chosen and before the command is offered.
func TestACommandForAChosenDriverIsDelivered(t *testing.T) {
	const life = 20 * time.Second
	inWorld(t, func(w *world) {
		p, _ := w.as(expiring(life)).join("d-1", "")
		x := watch(p)
		if got := w.chosen(); got["d-1"] != "" {
			t.Fatalf("chosen: %v", got)
		}
		x.beats(life)
		if x.over() || w.chosen()["d-1"] != swarm.ReasonDisconnected {
			t.Fatal("ended, or does not retire")
		}
		w.offer(2, set10, "d-1")
		synctest.Wait()
		x.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		if x.over() {
			t.Error("ended while another chosen command may follow")
		}
		w.offer(3, set20, "d-1")
		w.r.Settled()
		if x.over() {
			t.Error("ended with a command to answer")
		}
		x.send(`{"type":"command_ack","seq":3,"status":"applied"}`)
		if !x.over() {
			t.Error("answered, and it is open")
		}
		want := []string{`["ack","d-1",2,"applied"]`, `["ack","d-1",3,"applied"]`}
		if got := w.sink.all(); len(got) < 2 || !slices.Equal(got[:2], want) {
			t.Errorf("got %v", got)
		}
	})
}

// TestALogThatStallsDoesNotKeepASession: a command was chosen for it and never comes.
func TestALogThatStallsDoesNotKeepASession(t *testing.T) {
	const life = 20 * time.Second
	inWorld(t, func(w *world) {
		p, _ := w.as(expiring(life)).join("d-1", "")
		x := watch(p)
		w.chosen()
		x.beats(life + patience - time.Millisecond)
		if x.over() {
			t.Error("ended while a command was chosen for it")
		}
		swarmtest.Advance(time.Second)
		if !x.over() {
			t.Error("it is still open")
		}
	})
}

// TestARetiringSessionReceivesCommands of which it is no target: they are sent before the close.
func TestARetiringSessionReceivesCommands(t *testing.T) {
	const life = 20 * time.Second
	inWorld(t, func(w *world) {
		p, _ := w.as(expiring(life)).join("d-1", "")
		x := watch(p)
		w.issue(swarm.Issue{Seq: 2, Command: set10, Targets: []string{"d-1"}, Deadline: time.Minute})
		x.beats(life)
		w.offer(3, set20)
		synctest.Wait()
		x.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		if !x.over() {
			t.Error("answered, and it is open")
		}
		if n := x.received[wire.TypeCommand]; n != 2 {
			t.Errorf("it has received %d commands", n)
		}
	})
}

// TestANewerSessionInheritsWhatIsNotAnswered: the rounds wait for the driver, so its next session ends only after the
// answer.
func TestANewerSessionInheritsWhatIsNotAnswered(t *testing.T) {
	const life = 20 * time.Second
	inWorld(t, func(w *world) {
		w.as(expiring(life)).join("d-1", `,"instance":"one"`)
		w.issue(swarm.Issue{Seq: 2, Command: set10, Targets: []string{"d-1"}, Deadline: time.Minute})
		p, _ := w.join("d-1", `,"instance":"one"`)
		x := watch(p)
		x.beats(life)
		if x.over() {
			t.Fatal("ended with a command to answer")
		}
		x.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		if !x.over() {
			t.Error("answered, and it is open")
		}
	})
}

// TestAnUnregisteredSessionExpires: it is not needed, so it ends when it is due, and cannot register any more.
func TestAnUnregisteredSessionExpires(t *testing.T) {
	inWorld(t, func(w *world) {
		p := w.as(expiring(time.Second)).dial()
		code, kinds := p.closed()
		if code != 1001 || !slices.Equal(kinds, []string{wire.TypeDrain}) {
			t.Errorf("closed with %d after %v", code, kinds)
		}
	})
}
