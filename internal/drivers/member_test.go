package drivers

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// session returns a weak pointer to the session of a driver.
func (w *world) session(id string) weak.Pointer[session] {
	w.t.Helper()
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	m := w.r.members[id]
	if m == nil || !m.open() {
		w.t.Fatalf("%s has no session", id)
	}
	return weak.Make(m.session)
}

// freed reports whether nothing refers to a session.
func freed(s weak.Pointer[session]) bool {
	for range 5 { // a finalizer, as connections have, keeps its object until the next collection
		if runtime.GC(); s.Value() == nil {
			return true
		}
	}
	return false
}

// TestSessionIsFreedWhenItsConnectionEnds: in every possible way, while its driver is still known. A driver that waits
// to be forgotten must not keep unused buffers and connections.
func TestSessionIsFreedWhenItsConnectionEnds(t *testing.T) {
	for name, end := range map[string]func(w *world, p *peer){
		"lost": func(_ *world, p *peer) { _ = p.ws.CloseNow() },
		"replaced": func(w *world, p *peer) {
			w.join("d-1", `,"instance":"two"`)
			p.closed()
		},
		"deregistered": func(_ *world, p *peer) {
			p.send(`{"type":"deregister"}`)
			p.closed()
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p, _ := w.join("d-1", `,"instance":"one"`)
				s := w.session("d-1")
				if freed(s) {
					t.Fatal("the session is freed while its connection is open: the test proves nothing")
				}
				w.offer(2, set10, "d-1")
				p.command()
				end(w, p)
				swarmtest.Advance(2 * controlTimeout) // until the close is answered or times out
				synctest.Wait()
				if !freed(s) {
					t.Error("the session is kept after its connection has ended")
				}
			})
		})
	}
}

// TestMemberOutlivesItsSession: the driver's last report is shown while it is lost, the ages continue, and what is not
// in a register frame passes to the driver's next member.
func TestMemberOutlivesItsSession(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("d-1",
			`,"labels":{"region":"eu"},"version":"1.2","weight":2,"capabilities":["set_players","stop"]`)
		p.send(`{"type":"heartbeat","state":{"players":3,"running":true},"metrics":{"rps":1.5}}`)
		w.offer(2, set10, "d-1")
		p.command()
		p.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		synctest.Wait()
		w.r.DeadlineMissed([]string{"d-1"})
		open, _ := w.r.Driver("d-1")
		swarmtest.Advance(time.Second)
		_ = p.ws.CloseNow()
		synctest.Wait()
		swarmtest.Advance(time.Second)
		lost, ok := w.r.Driver("d-1")
		want := open
		want.State, want.HeartbeatAge = swarm.Disconnected, open.HeartbeatAge+2*time.Second
		if diff := cmp.Diff(want, lost); diff != "" || !ok {
			t.Errorf("known %v (-want +got):\n%s", ok, diff)
		}
		w.join("d-1", `,"labels":{"region":"us"}`)
		back, _ := w.r.Driver("d-1")
		want = swarm.Driver{
			ID: "d-1", State: swarm.Active, Labels: map[string]string{"region": "us"}, LastAck: open.LastAck,
			Share: swarm.Share{Weight: 1000},
		}
		if diff := cmp.Diff(want, back, cmpopts.IgnoreFields(swarm.Driver{}, "ConnectedAt", "RemoteAddr")); diff != "" {
			t.Errorf("back (-want +got):\n%s", diff)
		}
		w.r.DeadlineMissed([]string{"d-1"})
		w.r.DeadlineMissed([]string{"d-1"})
		if back, _ := w.r.Driver("d-1"); !back.Unresponsive {
			t.Error("the deadlines that it let pass before are forgotten")
		}
	})
}

// BenchmarkHeapOfLost measures the memory of a lost driver that is not forgotten yet, compared with a connected one.
func BenchmarkHeapOfLost(b *testing.B) {
	const n = 2000
	for b.Loop() {
		before := heap()
		r, sessions := large(b, n)
		connected := heap() - before
		for _, s := range sessions {
			s.member.disconnected(time.Now())
		}
		clear(sessions)
		lost := heap() - before
		b.ReportMetric(float64(connected)/n, "B/connected")
		b.ReportMetric(float64(lost)/n, "B/lost")
		runtime.KeepAlive(r)
	}
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestReplacedSessionSaysNothingOfTheNewerMember: frames of a replaced session, which arrive before its close is
// answered, do not change what is known about the driver.
func TestReplacedSessionSaysNothingOfTheNewerMember(t *testing.T) {
	inWorld(t, func(w *world) {
		old, _ := w.join("d-1", `,"instance":"one"`)
		w.join("d-1", `,"instance":"two","state":{"players":1}`)
		for i := range 3 {
			old.send(fmt.Sprintf(`{"type":"heartbeat","state":{"players":%d},"metrics":{"rps":1}}`, 7+i))
		}
		if code, _ := old.closed(); code != 4002 {
			t.Errorf("closed with %d, want %d", code, wire.CloseSuperseded)
		}
		if d, _ := w.r.Driver("d-1"); d.Reported.Players != 1 || d.Metrics != nil {
			t.Errorf("got %+v", d)
		}
	})
}
