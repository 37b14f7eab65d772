package dispatch

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// keyedCommand returns a submission with a key; its players identify the request.
func keyedCommand(submitter, key string, players int64) swarm.Submission {
	return swarm.Submission{
		Submitter: submitter, Command: swarm.Command{Type: command.SetPlayers, Value: players}, Deadline: time.Second,
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

func TestKeysBelongToTheirSubmitter(t *testing.T) {
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
		if _, err := w.d.Submit(t.Context(),
			keyedCommand("ci", "k", 7)); swarm.CodeOf(err) != swarm.CodeNoActiveDrivers {
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

func TestKeysAreRestoredFromTheLog(t *testing.T) {
	k := NewKeys()
	now := time.Now()
	for seq, age := range []time.Duration{KeyWindow + time.Minute, time.Hour} {
		i := &swarm.Issued{
			Submitter: "ci", Key: fmt.Sprint("k", seq), RequestHash: make([]byte, 32), SubmittedAt: now.Add(-age),
		}
		k.Remember(uint64(seq)+1, i)
	}
	for key, want := range map[string]uint64{"k0": 0, "k1": 2} {
		seq, err := k.find(&swarm.Submission{Submitter: "ci", Key: key, RequestHash: make([]byte, 32)}, now)
		if seq != want || err != nil {
			t.Errorf("%s: got %d %v, want %d", key, seq, err, want)
		}
	}
}

// fill makes a submitter use this many keys, named by their number.
func fill(k *Keys, submitter string, n int, now time.Time) {
	for i := range n {
		k.Remember(uint64(i)+1, &swarm.Issued{
			Submitter: submitter, Key: fmt.Sprint(i), RequestHash: make([]byte, 32), SubmittedAt: now,
		})
	}
}

func (k *Keys) refuses(submitter string, c command.Type, now time.Time) error {
	_, err := k.find(&swarm.Submission{Submitter: submitter, Key: "new", Command: swarm.Command{Type: c},
		RequestHash: make([]byte, 32)}, now)
	return err
}

// TestKeysAreBoundedPerSubmitter: a submitter that has used up its keys does not affect others, and receives the time
// when it may use another key.
func TestKeysAreBoundedPerSubmitter(t *testing.T) {
	k := NewKeys()
	k.each = 2
	now := time.Now()
	fill(k, "flood", 2, now.Add(-time.Hour))
	err := k.refuses("flood", command.SetPlayers, now)
	e, ok := errors.AsType[*swarm.Error](err)
	if !ok || e.Code != swarm.CodeRateLimited {
		t.Fatalf("all keys used up: %v, want rate_limited", err)
	}
	if after, _ := e.Attrs["retry_after"].(time.Duration); after < 23*time.Hour-time.Minute || after > 23*time.Hour {
		t.Errorf("told to come back after %v, want 23 h", after)
	}
	if err := k.refuses("other", command.SetPlayers, now); err != nil {
		t.Errorf("another submitter: %v", err)
	}
	if seq, err := k.find(&swarm.Submission{Submitter: "flood", Key: "1", RequestHash: make([]byte, 32)},
		now); seq != 2 || err != nil {
		t.Errorf("a known key: %d %v", seq, err)
	}
	if err := k.refuses("flood", command.SetPlayers, now.Add(23*time.Hour+time.Second)); err != nil {
		t.Errorf("when the first has expired: %v", err)
	}
}

// TestKeysAreSharedFairly: when the total is reached, submitters above an equal share are refused, and no others.
func TestKeysAreSharedFairly(t *testing.T) {
	k := NewKeys()
	k.most, k.each = 10, 8
	now := time.Now()
	fill(k, "large", 8, now)
	fill(k, "small", 2, now)
	for who, want := range map[string]swarm.Code{"large": swarm.CodeRateLimited, "small": "", "new": ""} {
		if err := k.refuses(who, command.SetSpawnDelay, now); (err != nil) != (want != "") {
			t.Errorf("%s: %v", who, err)
		}
	}
}

// TestKeysNeverCostAStop: a Stop is carried out even if its key exceeds the limits; the key is then not remembered.
func TestKeysNeverCostAStop(t *testing.T) {
	k := NewKeys()
	k.most, k.each = 2, 2
	now := time.Now()
	fill(k, "flood", 2, now)
	if err := k.refuses("flood", command.Stop, now); err != nil {
		t.Errorf("a Stop: %v", err)
	}
	for i := range 10 {
		k.Remember(uint64(i)+9, &swarm.Issued{Submitter: "flood", Key: fmt.Sprint("s", i),
			Command: swarm.Command{Type: command.Stop}, SubmittedAt: now})
	}
	if len(k.byKey) != 2 || len(k.order) != 2 {
		t.Errorf("remembers %d keys, want 2", len(k.byKey))
	}
	k.forget(now.Add(KeyWindow + time.Second))
	if len(k.byKey) != 0 || len(k.bySubmitter) != 0 || len(k.order) != 0 {
		t.Errorf("after the window it has %d keys of %d submitters", len(k.byKey), len(k.bySubmitter))
	}
}

// BenchmarkKeys measures the memory of a million keys.
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
