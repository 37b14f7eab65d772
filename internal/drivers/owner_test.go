package drivers

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// token returns a principal with a token.
func token(name string) swarm.Principal {
	return swarm.Principal{Name: name, Role: swarm.RoleDriver, Credential: "token:" + name}
}

// as makes the next peers connect with a credential.
func (w *world) as(p swarm.Principal) *world { w.who.Store(&p); return w }

// try dials and registers. It returns the close code and the error frame of a refusal, 0 if the driver was registered.
func (w *world) try(id, more string) (p *peer, code wire.CloseCode, why wire.Error) {
	w.t.Helper()
	p = w.dial()
	p.send(`{"type":"register","driver_id":"` + id + `"` + more + `}`)
	var frame json.RawMessage
	p.receive(&frame)
	if err := json.Unmarshal(frame, &why); err != nil {
		w.t.Fatal(err)
	}
	if why.Type == wire.TypeRegistered {
		return p, 0, wire.Error{}
	}
	closed, _ := p.closed()
	synctest.Wait()
	return p, wire.CloseCode(closed), why
}

// takeovers returns how often an open session of a driver was replaced by another process.
func (w *world) takeovers(id string) int {
	w.r.mu.Lock()
	defer w.r.mu.Unlock()
	if m := w.r.members[id]; m != nil {
		return m.rivals.takeovers
	}
	return 0
}

// TestDriverIDsBelongToPrincipals: alice has registered d-1, and something has happened since. Then a process with
// some credential registers the id.
func TestDriverIDsBelongToPrincipals(t *testing.T) {
	alice, bob := token("alice"), token("bob")
	rotated := alice
	rotated.Credential = "token:another"
	nothing := func(*world, *peer) {}
	for name, tc := range map[string]struct {
		since func(w *world, p *peer)
		who   swarm.Principal
		taken bool
	}{
		"the same name":                  {nothing, alice, true},
		"the same name with a new token": {nothing, rotated, true},
		"another name":                   {nothing, bob, false},
		"another name, while it is lost": {func(_ *world, p *peer) {
			_ = p.ws.CloseNow()
			synctest.Wait()
			swarmtest.Advance(forget - time.Second)
		}, bob, false},
		"another name, after it has deregistered": {func(_ *world, p *peer) { p.leave() }, bob, true},
		"another name, after it was forgotten": {func(_ *world, p *peer) {
			_ = p.ws.CloseNow()
			synctest.Wait()
			swarmtest.Advance(forget)
		}, bob, true},
		"nobody, without authentication": {nothing, swarm.AnonymousPrincipal(), true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, func(w *world) {
				p, _ := w.as(alice).join("d-1", `,"instance":"one"`)
				tc.since(w, p)
				_, code, why := w.as(tc.who).try("d-1", `,"instance":"two"`)
				if tc.taken {
					if code != 0 {
						t.Errorf("refused with %d: %+v", code, why)
					}
					return
				}
				want := wire.Error{Type: wire.TypeError, Code: wire.ErrorForbidden,
					Detail: "driver id d-1 belongs to alice until it deregisters or is forgotten"}
				if diff := cmp.Diff(want, why); diff != "" || code != wire.CloseNotYours {
					t.Errorf("closed with %d (-want +got):\n%s", code, diff)
				}
				if n := w.takeovers("d-1"); n != 0 {
					t.Errorf("%d takeovers by another principal", n)
				}
			})
		})
	}
}

// TestARefusedRegisterChangesNothing: the driver of the owner keeps its session and receives commands, and the claim of
// the refused one is not heard.
func TestARefusedRegisterChangesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		p, _ := w.as(token("alice")).join("d-1", "")
		for range 5 {
			_, code, _ := w.as(token("bob")).try("d-1", `,"log_id":"log.1","applied_seq":70`)
			if code != wire.CloseNotYours {
				t.Fatalf("closed with %d", code)
			}
		}
		if code := w.as(token("carol")).claim("d-2", 70); code != wire.CloseOverloaded || w.sink.count("regressed") != 0 {
			t.Errorf("the claim of a driver that was refused counts: closed with %d, %v", code, w.sink.all())
		}
		w.offer(2, set10, "d-1")
		if c := p.command(); c.Seq != 2 {
			t.Errorf("got %+v", c)
		}
		p.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		synctest.Wait()
		if diff := cmp.Diff([]string{`["ack","d-1",2,"applied"]`}, w.sink.all()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestOwnersAreRemembered by the next process, which receives what the previous one returns.
func TestOwnersAreRemembered(t *testing.T) {
	alice, bob := token("alice"), token("bob")
	var past []swarm.Former
	inWorld(t, func(w *world) {
		w.as(alice).join("open", "")
		lost, _ := w.join("lost", "")
		_ = lost.ws.CloseNow()
		left, _ := w.join("left", `,"labels":{"job":"1"}`)
		left.leave()
		w.as(swarm.AnonymousPrincipal()).join("nobodys", "")
		synctest.Wait()
		past = w.r.Remembered()
	})
	for _, f := range past {
		if want := map[string]string{"open": "alice", "lost": "alice"}[f.ID]; f.Owner != want {
			t.Errorf("%s belongs to %q, want %q", f.ID, f.Owner, want)
		}
	}
	all := map[string]wire.CloseCode{"open": 0, "lost": 0, "left": 0, "nobodys": 0}
	for name, tc := range map[string]struct {
		who   swarm.Principal
		after time.Duration
		want  map[string]wire.CloseCode
	}{
		"the owner":                          {alice, 0, all},
		"another":                            {bob, 0, map[string]wire.CloseCode{"open": 4003, "lost": 4003, "left": 0}},
		"another, after they were forgotten": {bob, forget, all},
		"nobody, without authentication":     {swarm.AnonymousPrincipal(), 0, all},
	} {
		t.Run(name, func(t *testing.T) {
			inWorldWith(t, func(c *Config) { c.Past.Drivers = past }, func(w *world) {
				swarmtest.Advance(tc.after)
				for id, want := range tc.want {
					if _, code, why := w.as(tc.who).try(id, ""); code != want {
						t.Errorf("%s: closed with %d, want %d: %+v", id, code, want, why)
					}
				}
				for _, f := range w.r.Remembered() {
					if tc.want[f.ID] == 4003 && f.Owner != "alice" {
						t.Errorf("after two restarts %s belongs to %q", f.ID, f.Owner)
					}
				}
			})
		})
	}
}

// TestAnIDThatWasLeftBelongsToTheNextOne, also in the memory of a process that knew it with other labels.
func TestAnIDThatWasLeftBelongsToTheNextOne(t *testing.T) {
	now := time.Now()
	owners := ownersOf([]swarm.Former{
		{ID: "d-1", At: now.Add(2 * time.Second), Owner: "bob"},
		{ID: "d-1", At: now, Owner: "alice", Labels: map[string]string{"job": "1"}},
		{ID: "d-1", At: now.Add(time.Second), Deregistered: true},
		{ID: "d-2", At: now, Owner: "alice"},
		{ID: "d-2", At: now.Add(time.Second), Deregistered: true},
		{ID: "d-3", At: now},
	})
	if len(owners) != 1 || owners["d-1"].name != "bob" {
		t.Errorf("got %v", owners)
	}
}

// TestCredentialsBoundWhatTheyRegister: ids and labels.
func TestCredentialsBoundWhatTheyRegister(t *testing.T) {
	eu := token("eu-drivers")
	eu.DriverIDs, eu.Labels = []string{"eu-*", "spare"}, map[string]string{"region": "eu"}
	inWorld(t, func(w *world) {
		w.as(eu)
		for register, want := range map[string]string{
			`eu-1","labels":{"region":"eu","size":"l`: "",
			`spare","labels":{"region":"eu`:           "",
			`us-1","labels":{"region":"eu`:            "does not cover this driver id; it covers eu-*, spare",
			`eu-2`:                                    "must have the labels region=eu",
			`eu-3","labels":{"region":"us`:            "must have the labels region=eu",
		} {
			id, more, labelled := strings.Cut(register, `"`)
			if labelled {
				more += `"}`
			}
			_, code, why := w.try(id, more)
			switch {
			case want == "" && code != 0:
				t.Errorf("%s: refused with %d, %+v", register, code, why)
			case want != "" && (code != wire.CloseNotYours || why.Code != wire.ErrorForbidden ||
				!strings.Contains(why.Detail, want)):
				t.Errorf("%s: closed with %d, %+v", register, code, why)
			}
		}
	})
}

// TestAcksSpeakForTheirOwnDriver: an ack of another driver's command, and frames of a replaced session.
func TestAcksSpeakForTheirOwnDriver(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.as(token("alice")).join("a", `,"instance":"one"`)
		b, _ := w.as(token("bob")).join("b", "")
		w.offerTo(2, set10, swarm.Target{DriverIDs: []string{"a"}})
		a.command()
		b.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		again, _ := w.as(token("alice")).join("a", `,"instance":"two"`)
		a.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		a.send(`{"type":"heartbeat","state":{"players":77}}`)
		synctest.Wait()
		for _, e := range w.sink.all() {
			if strings.Contains(e, `"ack","a"`) {
				t.Errorf("an ack for a that its session did not send: %s", e)
			}
		}
		if d, _ := w.r.Driver("a"); d.Reported.Players != 0 || d.LastAck != nil {
			t.Errorf("a: %+v", d)
		}
		again.send(`{"type":"command_ack","seq":2,"status":"applied"}`)
		synctest.Wait()
		if got := w.sink.all(); got[len(got)-1] != `["ack","a",2,"applied"]` {
			t.Errorf("its own ack: %v", got)
		}
	})
}

// TestMaxDrivers: a new id is refused, a known one is not, also when it is lost; one that has left makes space.
func TestMaxDrivers(t *testing.T) {
	inWorldWith(t, func(c *Config) { c.MaxDrivers = 2 }, func(w *world) {
		a, _ := w.join("a", "")
		b, _ := w.join("b", "")
		_ = b.ws.CloseNow()
		synctest.Wait()
		_, code, why := w.try("c", "")
		if code != wire.CloseOverloaded || why.Code != wire.ErrorTooManyDrivers || why.Detail == "" {
			t.Errorf("closed with %d, %+v", code, why)
		}
		if _, code, why := w.try("b", ""); code != 0 {
			t.Errorf("a known id: closed with %d, %+v", code, why)
		}
		a.leave()
		if _, code, why := w.try("c", ""); code != 0 {
			t.Errorf("after one has left: closed with %d, %+v", code, why)
		}
	})
}
