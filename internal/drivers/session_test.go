package drivers

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

var (
	set10 = swarm.Command{Type: command.SetPlayers, Value: 10}
	set20 = swarm.Command{Type: command.SetPlayers, Value: 20}
	stop  = swarm.Command{Type: command.Stop}
)

func TestRegisterHeartbeatCommandAck(t *testing.T) {
	inWorld(t, func(w *world) {
		p, reg := w.join("d-1", `,"labels":{"region":"eu"},"version":"1.2","capabilities":["set_players","stop"]`)
		if reg.LogID != "log.1" || reg.HeartbeatIntervalMS != 1000 || reg.LeaseTTLMS != 60000 ||
			reg.OnLeaseLost != "stop" || len(reg.Desired) != 0 {
			t.Errorf("registered: %+v", reg)
		}
		p.send(`{"type":"heartbeat","applied_seq":0,"state":{"players":3,"spawn_delay_ms":20,"running":true},"metrics":{"rps":1.5},"unknown":1}`)
		w.offer(2, set10, "d-1")
		var cmd wire.CommandFrame
		p.receive(&cmd)
		if cmd.Type != "command" || cmd.Seq != 2 || cmd.DeadlineMS != 2000 || *cmd.Command.Players != 10 {
			t.Errorf("command frame: %+v", cmd)
		}
		p.send(`{"seq":2,"type":"command_ack","status":"applied"}`)
		p.send(`{"type":"command_ack","seq":2,"status":"rejected","code":"late_thought"}`)
		synctest.Wait()
		if diff := cmp.Diff([]string{`["ack","d-1",2,"applied"]`}, w.sink.all()); diff != "" {
			t.Errorf("sink (-want +got):\n%s", diff)
		}
		if n := w.r.Conflicts(); n != 1 {
			t.Errorf("%d conflicting answers counted, want 1", n)
		}
		d, ok := w.r.Driver("d-1")
		if !ok || d.State != swarm.Active || d.AppliedSeq != 2 || d.Reported.Players != 3 || d.Metrics["rps"] != 1.5 ||
			d.Version != "1.2" || d.LastAck == nil {
			t.Errorf("roster: %+v %v", d, ok)
		}
	})
}

func TestSessionsThatBeginBadly(t *testing.T) {
	for name, c := range map[string]struct {
		first string
		code  wire.CloseCode
		kinds []string
	}{
		"another first frame": {`{"type":"heartbeat"}`, wire.CloseRegister, []string{"error"}},
		"no id":               {`{"type":"register"}`, wire.CloseRegister, []string{"error"}},
		"bad id":              {`{"type":"register","driver_id":"a b"}`, wire.CloseRegister, []string{"error"}},
		"reserved id":         {`{"type":"register","driver_id":"connect"}`, wire.CloseRegister, []string{"error"}},
		"duplicate id": {
			`{"type":"register","driver_id":"a","driver_id":"b"}`, wire.CloseRegister, []string{"error"},
		},
		"id of a wrong kind": {`{"type":"register","driver_id":7}`, wire.CloseRegister, []string{"error"}},
		"control in label": {
			`{"type":"register","driver_id":"a","labels":{"k":"\u0007"}}`, wire.CloseRegister, []string{"error"},
		},
		"negative players": {
			`{"type":"register","driver_id":"a","state":{"players":-1}}`, wire.CloseRegister, []string{"error"},
		},
		"not JSON":      {`hello`, wire.CloseNotJSON, nil},
		"an array":      {`[]`, wire.CloseNotJSON, nil},
		"invalid UTF-8": {"{\"type\":\"register\",\"driver_id\":\"drv-\xff\"}", wire.CloseNotJSON, nil},
		"over 32 KiB": {
			`{"type":"register","driver_id":"` + strings.Repeat("a", wire.MaxFrameBytes) + `"}`,
			wire.CloseTooBig, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p := w.dial()
				p.send(c.first)
				code, kinds := p.closed()
				if code != websocket.StatusCode(c.code) || !slices.Equal(kinds, c.kinds) {
					t.Errorf("closed with %d after %v, want %d after %v", code, kinds, c.code, c.kinds)
				}
				if got := w.r.Drivers(); len(got) != 0 {
					t.Errorf("roster has %v", got)
				}
			})
		})
	}
}

func TestRegisterHasFiveSeconds(t *testing.T) {
	inWorld(t, func(w *world) {
		began := time.Now()
		code, _ := w.dial().closed()
		if took := time.Since(began); code != 4005 || took != wire.RegisterTimeout {
			t.Errorf("closed with %d after %v, want 4005 after 5s", code, took)
		}
	})
}

func TestBadFramesOfARegisteredDriver(t *testing.T) {
	for name, c := range map[string]struct{ frame, code string }{
		"unknown type":    {`{"type":"launch"}`, wire.ErrorUnknownType},
		"no type":         {`{}`, wire.ErrorInvalidFrame},
		"register twice":  {`{"type":"register","driver_id":"d-1"}`, wire.ErrorAlreadyRegistered},
		"ack without seq": {`{"type":"command_ack","status":"applied"}`, wire.ErrorInvalidFrame},
		"ack of a word":   {`{"type":"command_ack","seq":2,"status":"done"}`, wire.ErrorInvalidFrame},
		"ack twice a key": {`{"type":"command_ack","seq":2,"seq":3,"status":"applied"}`, wire.ErrorInvalidFrame},
		"bad metrics":     {`{"type":"heartbeat","metrics":{"rps":"fast"}}`, wire.ErrorInvalidFrame},
		"negative state":  {`{"type":"heartbeat","state":{"players":-5}}`, wire.ErrorInvalidFrame},
		"huge number":     {`{"type":"heartbeat","metrics":{"rps":1e400}}`, wire.ErrorInvalidFrame},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p, _ := w.join("d-1", "")
				w.offer(2, set10, "d-1")
				var cmd wire.CommandFrame
				p.receive(&cmd)
				p.send(c.frame)
				var e wire.Error
				p.receive(&e)
				if e.Type != "error" || e.Code != c.code || e.Detail == "" {
					t.Errorf("got %+v, want code %s", e, c.code)
				}
				if got := w.sink.all(); len(got) != 0 {
					t.Errorf("a bad frame changed something: %v", got)
				}
			})
		})
	}
}

func TestMessagesThatEndTheSession(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("d-1", "")
		if err := p.ws.Write(w.t.Context(), websocket.MessageBinary, []byte(`{}`)); err != nil {
			t.Fatal(err)
		}
		if code, _ := p.closed(); code != 1003 {
			t.Errorf("binary: closed with %d, want 1003", code)
		}
		synctest.Wait()
		q, _ := w.join("d-2", "")
		q.send("{\"type\":\"heartbeat\",\"x\":\"\xff\"}")
		if code, _ := q.closed(); code != 1007 {
			t.Errorf("invalid UTF-8: closed with %d, want 1007", code)
		}
		synctest.Wait()
		want := []string{`["disconnected","d-1","disconnected"]`, `["disconnected","d-2","disconnected"]`}
		if diff := cmp.Diff(want, w.sink.all()); diff != "" {
			t.Errorf("sink (-want +got):\n%s", diff)
		}
		if d, _ := w.r.Driver("d-1"); d.State != swarm.Disconnected {
			t.Errorf("d-1 is %s", d.State)
		}
	})
}

func TestDeregister(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("d-1", "")
		w.offer(2, set10, "d-1")
		p.send(`{"type":"deregister","reason":"done"}`)
		if code, _ := p.closed(); code != 1000 {
			t.Errorf("closed with %d, want 1000", code)
		}
		want := []string{`["disconnected","d-1","disconnected"]`, `["reset","the last driver deregistered"]`}
		if diff := cmp.Diff(want, w.sink.all()); diff != "" {
			t.Errorf("sink (-want +got):\n%s", diff)
		}
		if _, ok := w.r.Driver("d-1"); ok {
			t.Error("d-1 is still in the roster")
		}
	})
}

func TestSameIDAgain(t *testing.T) {
	inWorld(t, func(w *world) {
		old, _ := w.join("d-1", `,"instance":"one"`)
		w.offer(2, set10, "d-1")
		_, reg := w.join("d-1", `,"instance":"two"`)
		if len(reg.Desired) != 1 || reg.Desired[0].Seq != 2 {
			t.Errorf("desired of the newer session: %+v", reg.Desired)
		}
		if code, _ := old.closed(); code != 4002 {
			t.Errorf("old session closed with %d, want 4002", code)
		}
		newest, _ := w.join("d-1", `,"instance":"two"`) // the same process again
		synctest.Wait()
		if got := w.sink.all(); len(got) != 0 {
			t.Errorf("a replaced session left its rounds: %v", got)
		}
		newest.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		newest.send(`{"type":"command_ack","seq":1,"status":"applied"}`)
		newest.send(`{"type":"command_ack","seq":3,"status":"applied"}`)
		synctest.Wait()
		if diff := cmp.Diff([]string{`["ack","d-1",2,"applied"]`}, w.sink.all()); diff != "" {
			t.Errorf("acks count only for what this session was given (-want +got):\n%s", diff)
		}
	})
}

// TestAcksThatChangeNothing: of a seq that was never issued, of a seq from before this session, and from a session that
// was replaced.
func TestAcksThatChangeNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		w.offer(2, set10)
		w.offer(3, stop)
		old, reg := w.join("d-1", `,"instance":"one"`)
		if len(reg.Desired) != 1 || reg.Desired[0].Seq != 3 {
			t.Fatalf("desired: %+v", reg.Desired)
		}
		for _, seq := range []string{"1", "2", "4", "18446744073709551615"} {
			old.send(`{"type":"command_ack","seq":` + seq + `,"status":"applied"}`)
		}
		w.join("d-1", `,"instance":"two"`)
		old.send(`{"type":"command_ack","seq":3,"status":"applied"}`)
		synctest.Wait()
		if got := w.sink.all(); len(got) != 0 {
			t.Errorf("got %v", got)
		}
		if d, _ := w.r.Driver("d-1"); d.AppliedSeq != 0 || d.LastAck != nil {
			t.Errorf("roster: %+v", d)
		}
	})
}

func TestStaleUntilHeartbeat(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("d-1", "")
		swarmtest.Advance(3 * time.Second)
		if d, _ := w.r.Driver("d-1"); d.State != swarm.Stale || w.lost("d-1") != swarm.ReasonStale ||
			len(w.active(swarm.Target{})) != 0 {
			t.Errorf("after 3s: %+v", d)
		}
		w.offer(2, set10, "d-1")
		var cmd wire.CommandFrame
		p.receive(&cmd) // stale drivers get every command; only their verdict does not count
		p.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		synctest.Wait()
		if w.lost("d-1") != swarm.ReasonStale {
			t.Error("an ack is no heartbeat")
		}
		p.send(`{"type":"heartbeat"}`)
		synctest.Wait()
		if w.lost("d-1") != "" || len(w.active(swarm.Target{})) != 1 {
			t.Error("a heartbeat ends staleness")
		}
	})
}

func TestSilentDriverIsPingedThenClosed(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("reader", "") // reads, and so answers pings, but sends nothing
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _, _ = p.ws.Read(w.t.Context())
		}()
		deaf, _ := w.join("deaf", "") // does not even read
		swarmtest.Advance(2 * time.Minute)
		if d, _ := w.r.Driver("reader"); d.State != swarm.Stale {
			t.Errorf("a driver that answers pings is %s, want stale", d.State)
		}
		if d, _ := w.r.Driver("deaf"); d.State != swarm.Disconnected {
			t.Errorf("a driver that does not read is %s, want disconnected", d.State)
		}
		_ = deaf.ws.CloseNow()
		_ = p.ws.CloseNow()
		<-done
	})
}

func TestPeerThatDoesNotReadIsCutAndDelaysNoOther(t *testing.T) {
	inWorld(t, func(w *world) {
		w.join("deaf", "")
		p, _ := w.join("d-1", "")
		began := time.Now()
		for seq := uint64(2); seq < 12; seq++ {
			w.offer(seq, set10, "d-1", "deaf")
			var cmd wire.CommandFrame
			p.receive(&cmd)
			if cmd.Seq != seq {
				t.Fatalf("got seq %d, want %d", cmd.Seq, seq)
			}
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("the deaf driver cost the other %v", took)
		}
		swarmtest.Advance(WriteTimeout + time.Second)
		synctest.Wait()
		got := w.sink.all()
		if want := `["disconnected","deaf","write_timeout"]`; got[len(got)-1] != want {
			t.Errorf("last event is %s, want %s", got[len(got)-1], want)
		}
		if n := strings.Count(strings.Join(got, " "), "superseded"); n < 8 {
			t.Errorf("%d of 10 commands superseded in the outbox, want at least 8: %v", n, got)
		}
	})
}

func TestShutdownDrains(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("d-1", "")
		go w.r.Shutdown(w.t.Context())
		code, kinds := p.closed()
		if code != 1001 || !slices.Equal(kinds, []string{"drain"}) {
			t.Errorf("closed with %d after %v, want 1001 after drain", code, kinds)
		}
	})
}

func TestHeartbeatsAreAnsweredForTheLease(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.join("d-1", "")
		frames := make(chan string, 100)
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				_, b, err := p.ws.Read(w.t.Context())
				if err != nil {
					return
				}
				frames <- string(b)
			}
		}()
		for range 60 {
			p.send(`{"type":"heartbeat"}`)
			swarmtest.Advance(time.Second)
		}
		synctest.Wait()
		if n := len(frames); n < 4 || n > 6 {
			t.Errorf("%d answers in one lease of 60 heartbeats, want just often enough: 4 to 6", n)
		}
		_ = p.ws.CloseNow()
		<-done
	})
}
