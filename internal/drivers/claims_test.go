package drivers

import (
	"fmt"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// claim registers a driver that has applied commands that the log does not hold. It returns the close code, 0 if it was
// registered.
func (w *world) claim(id string, seq uint64) wire.CloseCode {
	w.t.Helper()
	p := w.dial()
	p.send(fmt.Sprintf(`{"type":"register","driver_id":%q,"log_id":"log.1","applied_seq":%d}`, id, seq))
	var reg wire.Registered
	if p.receive(&reg); reg.Type == wire.TypeRegistered {
		return 0
	}
	code, _ := p.closed()
	return wire.CloseCode(code)
}

// TestOneClaimStopsNoDriver: a single driver, however often it repeats the claim and whatever seq it names, does not
// raise the log's epoch, which would stop every driver. It must back off.
func TestOneClaimStopsNoDriver(t *testing.T) {
	inWorld(t, func(w *world) {
		a, _ := w.join("a", "")
		for i := range 5 {
			if code := w.claim("forger", uint64(7+i)<<i); code != wire.CloseOverloaded {
				t.Fatalf("claim %d was closed with %d, want 1013", i+1, code)
			}
		}
		w.offer(5, set10, "a")
		if a.players() != 10 || w.sink.count("regressed") != 0 {
			t.Errorf("reported %v, want no loss", w.sink.all())
		}
		if _, ok := w.r.Driver("forger"); ok {
			t.Error("the roster has a driver that was sent away")
		}
	})
}

// TestTwoClaimsAreALoss: the log has lost entries, and drivers receive its new id, which makes them forget what they
// applied.
func TestTwoClaimsAreALoss(t *testing.T) {
	inWorld(t, func(w *world) {
		w.sink.onRegress = func() { w.r.SetLogID("log.2") }
		w.claim("d-1", 7)
		_, reg := w.join("d-2", `,"log_id":"log.1","applied_seq":9`)
		if reg.LogID != "log.2" {
			t.Errorf("told %s", reg.LogID)
		}
		_, reg = w.join("d-1", `,"log_id":"log.1","applied_seq":7`)
		if got := text(w.sink.all()); got != text([]string{`["regressed","d-2",9]`}) || reg.LogID != "log.2" {
			t.Errorf("got %s: the old log's seqs say nothing of the new one", got)
		}
	})
}

// TestOnePrincipalProvesNoLoss, however many drivers it has: a second principal does.
func TestOnePrincipalProvesNoLoss(t *testing.T) {
	inWorld(t, func(w *world) {
		w.as(token("alice"))
		for i := range 5 {
			if code := w.claim(fmt.Sprintf("d-%d", i), 7); code != wire.CloseOverloaded || w.sink.count("regressed") != 0 {
				t.Fatalf("claim %d: closed with %d, reported %v", i+1, code, w.sink.all())
			}
		}
		if n := len(w.r.claims); n != 1 {
			t.Errorf("%d claims are remembered", n)
		}
		if code := w.as(token("bob")).claim("e-1", 8); code != 0 || w.sink.count("regressed") != 1 {
			t.Errorf("of another principal: closed with %d, reported %v", code, w.sink.all())
		}
	})
}

// TestAnOldClaimIsForgotten: two drivers that make a claim more than forget_after apart do not prove a loss.
func TestAnOldClaimIsForgotten(t *testing.T) {
	inWorld(t, func(w *world) {
		w.claim("d-1", 7)
		swarmtest.Advance(w.r.cfg.ForgetAfter + time.Second)
		if code := w.claim("d-2", 7); code != wire.CloseOverloaded || w.sink.count("regressed") != 0 {
			t.Errorf("closed with %d, reported %v", code, w.sink.all())
		}
	})
}
