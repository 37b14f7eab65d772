package dispatch

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// keyedCommand is a submission with a key; the request is told by its players.
func keyedCommand(submitter, key string, players int64) swarm.Submission {
	return swarm.Submission{
		Submitter: submitter, Command: swarm.Command{Type: swarm.SetPlayers, Players: players}, Deadline: time.Second,
		Key: key, RequestHash: bytes.Repeat([]byte{byte(players)}, 32),
	}
}

func TestOneKeyOneDispatchInAStorm(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := w.fleet.Join("d-1")
		d.Hold()
		receipts := make([]Receipt, 50)
		var wg sync.WaitGroup
		for i := range receipts {
			wg.Go(func() {
				var err error
				if receipts[i], err = w.d.Submit(t.Context(), keyedCommand("ci", "k", 7)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		d.Release()
		replayed := 0
		for _, r := range receipts {
			e, err := r.Wait(t.Context())
			if err != nil || e.Seq != receipts[0].Seq() || e.Counts().Acked != 1 {
				t.Errorf("got entry %d %+v %v, want one acked entry for all", e.Seq, e.Counts(), err)
			}
			if r.Replayed {
				replayed++
			}
		}
		if n := len(w.log.Entries()); n != 1 || replayed != 49 {
			t.Errorf("%d entries, %d replays; want 1 and 49", n, replayed)
		}
	})
}

func TestReplayOfAClosedEntryNeedsNoDriver(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		d := w.fleet.Join("d-1")
		first := submitAndWait(t, w, keyedCommand("ci", "k", 7))
		d.Lose(swarm.ReasonDisconnected)
		again, err := w.d.Submit(t.Context(), keyedCommand("ci", "k", 7))
		if err != nil || !again.Replayed {
			t.Fatalf("got %+v %v, want a replay", again, err)
		}
		e, err := again.Wait(t.Context())
		if diff := cmp.Diff(first, e); err != nil || diff != "" {
			t.Errorf("%v; replay differs (-first +again):\n%s", err, diff)
		}
	})
}

func TestKeysAreTheSubmittersOwn(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("d-1")
		first := submitAndWait(t, w, keyedCommand("ci", "k", 7))
		if other := submitAndWait(t, w, keyedCommand("ops", "k", 7)); other.Seq == first.Seq {
			t.Error("another submitter got the entry of the first")
		}
		_, err := w.d.Submit(t.Context(), keyedCommand("ci", "k", 8))
		if swarm.CodeOf(err) != swarm.CodeIdempotencyKeyReused {
			t.Errorf("other request, same key: %v", err)
		}
		if n := len(w.log.Entries()); n != 2 {
			t.Errorf("%d entries, want 2", n)
		}
	})
}

func TestARefusedCommandUsesNoKeyUp(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		if _, err := w.d.Submit(t.Context(), keyedCommand("ci", "k", 7)); swarm.CodeOf(err) != swarm.CodeNoActiveDrivers {
			t.Fatalf("without drivers: %v", err)
		}
		w.fleet.Join("d-1")
		if e := submitAndWait(t, w, keyedCommand("ci", "k", 8)); e.Counts().Acked != 1 {
			t.Errorf("got %+v", e.Counts())
		}
	})
}

func TestAKeyIsForgottenAfterItsWindow(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("d-1")
		first := submitAndWait(t, w, keyedCommand("ci", "k", 7))
		<-time.After(KeyWindow - time.Minute)
		if r, err := w.d.Submit(t.Context(), keyedCommand("ci", "k", 7)); err != nil || r.Seq() != first.Seq {
			t.Errorf("within the window: %v", err)
		}
		<-time.After(2 * time.Minute)
		if e := submitAndWait(t, w, keyedCommand("ci", "k", 8)); e.Seq == first.Seq {
			t.Error("the key outlived its window")
		}
	})
}

func TestKeysComeBackFromTheLog(t *testing.T) {
	k := NewKeys()
	now := time.Now()
	for seq, age := range []time.Duration{KeyWindow + time.Minute, time.Hour} {
		i := &swarm.Issued{Submitter: "ci", Key: fmt.Sprint("k", seq), RequestHash: make([]byte, 32), SubmittedAt: now.Add(-age)}
		k.Remember(uint64(seq)+1, i)
	}
	for key, want := range map[string]uint64{"k0": 0, "k1": 2} {
		seq, err := k.find(&swarm.Submission{Submitter: "ci", Key: key, RequestHash: make([]byte, 32)}, now)
		if seq != want || err != nil {
			t.Errorf("%s: got %d %v, want %d", key, seq, err, want)
		}
	}
}

func TestTheKeyIndexIsBounded(t *testing.T) {
	k := NewKeys()
	k.most = 2
	now := time.Now()
	for seq := range uint64(2) {
		k.Remember(seq+1, &swarm.Issued{Submitter: "ci", Key: fmt.Sprint(seq), RequestHash: make([]byte, 32), SubmittedAt: now})
	}
	if _, err := k.find(&swarm.Submission{Submitter: "ci", Key: "new"}, now); swarm.CodeOf(err) != swarm.CodeRateLimited {
		t.Errorf("a full index: %v, want rate_limited", err)
	}
	if seq, err := k.find(&swarm.Submission{Submitter: "ci", Key: "1", RequestHash: make([]byte, 32)}, now); seq != 2 || err != nil {
		t.Errorf("a known key in a full index: %d %v", seq, err)
	}
	if _, err := k.find(&swarm.Submission{Submitter: "ci", Key: "new"}, now.Add(KeyWindow+time.Second)); err != nil {
		t.Errorf("after the window: %v", err)
	}
}

// BenchmarkKeys tells what a million keys cost in memory.
func BenchmarkKeys(b *testing.B) {
	for b.Loop() {
		k := NewKeys()
		now := time.Now()
		for seq := range uint64(maxKeys) {
			k.Remember(seq+1, &swarm.Issued{Submitter: "ci", Key: fmt.Sprint(seq), SubmittedAt: now})
		}
	}
}

func submitAndWait(t *testing.T, w *world, s swarm.Submission) swarm.Entry {
	t.Helper()
	r, err := w.d.Submit(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	e, err := r.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return e
}
