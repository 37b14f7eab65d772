package drivers

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// file stands in for the auth file.
type file struct {
	mu    sync.Mutex
	rows  map[string]swarm.Standing // by name; valid if absent
	asked map[string]int
}

func (f *file) set(name string, s swarm.Standing) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows[name] = s
}

func (f *file) standing(p swarm.Principal) swarm.Standing {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked[p.Name]++
	if s, ok := f.rows[p.Name]; ok {
		return s
	}
	return swarm.StandingValid
}

// takeAsked returns how often each name was asked for since the last call.
func (f *file) takeAsked() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := f.asked
	f.asked = map[string]int{}
	return asked
}

// inWorldOf runs test in a world whose registry asks a file.
func inWorldOf(t *testing.T, test func(w *world, f *file)) {
	f := &file{rows: map[string]swarm.Standing{}, asked: map[string]int{}}
	inWorldWith(t, func(c *Config) { c.Standing = f.standing }, func(w *world) { test(w, f) })
}

// TestARevokedSessionIsClosed within 2 s, with the reason, whether it has registered or not. Others stay.
func TestARevokedSessionIsClosed(t *testing.T) {
	inWorldOf(t, func(w *world, f *file) {
		other, _ := w.as(token("bob")).join("d-2", "")
		w.as(token("alice"))
		registered, _ := w.join("d-1", "")
		for name, p := range map[string]*peer{"registered": registered, "not registered": w.dial()} {
			f.set("alice", swarm.StandingRevoked)
			began := time.Now()
			var why wire.Error
			p.receive(&why)
			code, _ := p.closed()
			if code != 4001 || why.Code != wire.ErrorRevoked || !strings.Contains(why.Detail, "alice") {
				t.Errorf("%s: closed with %d after %+v", name, code, why)
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s: after %v", name, took)
			}
		}
		w.offer(2, set10, "d-2")
		if other.command().Seq != 2 {
			t.Error("another principal's driver does not receive commands")
		}
	})
}

// TestARevokedPeerThatDoesNotReadIsCut within 5 s, and receives no command as a target until then.
func TestARevokedPeerThatDoesNotReadIsCut(t *testing.T) {
	inWorldOf(t, func(w *world, f *file) {
		w.as(token("alice")).join("deaf", "")
		f.set("alice", swarm.StandingRevoked)
		swarmtest.Advance(1600 * time.Millisecond)
		synctest.Wait()
		if got := w.chosen(); got["deaf"] != swarm.ReasonDisconnected {
			t.Errorf("chosen: %v", got)
		}
		swarmtest.Advance(3 * time.Second)
		synctest.Wait()
		if w.r.Open() != 0 {
			t.Error("it is still connected")
		}
	})
}

// TestAChangedCredentialIsReadAgain: the driver is told to come back, soon.
func TestAChangedCredentialIsReadAgain(t *testing.T) {
	for _, standing := range []swarm.Standing{swarm.StandingChanged, swarm.StandingExpired} {
		t.Run(string(standing), func(t *testing.T) {
			inWorldOf(t, func(w *world, f *file) {
				p, _ := w.as(token("alice")).join("d-1", "")
				f.set("alice", standing)
				began := time.Now()
				var drain wire.Drain
				p.receive(&drain)
				code, _ := p.closed()
				if drain.Type != wire.TypeDrain || code != 1001 || drain.ReconnectAfterMS >= 100 {
					t.Errorf("closed with %d after %+v", code, drain)
				}
				if took := time.Since(began); took > changeSpan+2*time.Second {
					t.Errorf("after %v", took)
				}
				f.set("alice", swarm.StandingValid)
				w.join("d-1", "")
				swarmtest.Advance(time.Minute)
				if w.takeovers("d-1") != 0 {
					t.Error("a driver that comes back as told counts as a takeover")
				}
			})
		})
	}
}

// TestEachPrincipalIsJudgedOncePerSweep, however many sessions it has; with other rights it is another one.
func TestEachPrincipalIsJudgedOncePerSweep(t *testing.T) {
	inWorldOf(t, func(w *world, f *file) {
		other := token("alice")
		other.DriverIDs = []string{"d-*"}
		for i := range 10 {
			p := token("alice")
			if i%2 == 0 {
				p = other
			}
			w.as(p).join(fmt.Sprintf("d-%d", i), "")
			w.as(token("bob")).join(fmt.Sprintf("e-%d", i), "")
		}
		swarmtest.Advance(1100 * time.Millisecond)
		synctest.Wait()
		f.takeAsked()
		swarmtest.Advance(4 * time.Second)
		synctest.Wait()
		if diff := cmp.Diff(map[string]int{"alice": 8, "bob": 4}, f.takeAsked()); diff != "" {
			t.Errorf("asked in 4 s (-want +got):\n%s", diff)
		}
	})
}

// BenchmarkJudge judges 10,000 sessions of 10 principals.
func BenchmarkJudge(b *testing.B) {
	r, sessions := large(b, 10_000)
	r.cfg.Standing = func(swarm.Principal) swarm.Standing { return swarm.StandingValid }
	for i, s := range sessions {
		s.principal = token(fmt.Sprint("drivers-", i%10))
		s.principal.DriverIDs, s.principal.Labels = []string{"d-*"}, map[string]string{"region": "eu"}
		r.sessions[s] = struct{}{}
	}
	now := time.Now()
	for b.Loop() {
		now = now.Add(judgeEvery)
		r.judge(now)
	}
}
