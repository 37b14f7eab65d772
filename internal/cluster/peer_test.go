package cluster

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// TestAPeerConverges loses and delays messages at random. Whatever happens, what was applied is in the end what the
// node has, and every change follows the one before.
func TestAPeerConverges(t *testing.T) {
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		own := newFakeDrivers("alpha")
		pub := newPublisher(&Config{Self: alpha}, own)
		p := newPeer(alpha, time.Time{})
		applied := map[string]swarm.Presence{}
		revision := uint64(0)
		apply := func(all []swarm.RosterChanges) {
			for _, c := range all {
				if !c.Whole && c.From != revision {
					t.Fatalf("seed %d: changes from %d after %d", seed, c.From, revision)
				}
				revision = c.To
				applyTo(applied, c)
			}
		}
		var answer *changes // of a request that is under way
		var times time.Time
		for step := range 60 {
			own.churn(random)
			calm := step > 50
			c := own.Changes(pub.revision)
			if step == 0 || random.IntN(20) == 0 {
				c = own.Changes(0)
			}
			parts := split(pub.changes(&c))
			pub.revision, pub.begun = c.To, true
			if calm || random.IntN(4) > 0 {
				for _, m := range parts {
					_, r, err := readRoster(seal(alpha, struct {
						Changes *outgoing `json:"changes"`
					}{&m}))
					if err != nil {
						t.Fatal(err)
					}
					apply(p.receive(r, times))
				}
			}
			if calm || random.IntN(2) > 0 {
				apply(p.receive(rosterMessage{Digest: &digest{Revision: pub.revision}}, times))
			}
			if p.behind && !p.fetching {
				p.fetching = true
				var present []presence
				for _, s := range pub.sent {
					present = append(present, describe(&s.Presence, nil))
				}
				answer = &changes{to: pub.revision, whole: true, present: present}
			}
			if p.fetching && (calm || random.IntN(3) == 0) {
				if random.IntN(4) == 0 && !calm {
					answer = nil
				}
				apply(p.fetched(answer, times))
			}
		}
		if p.behind || p.revision != pub.revision {
			t.Fatalf("seed %d: it is behind, at %d of %d", seed, p.revision, pub.revision)
		}
		if diff := cmp.Diff(own.all(), applied); diff != "" {
			t.Fatalf("seed %d (-own +applied):\n%s", seed, diff)
		}
	}
}

func TestHeldChangesAreBounded(t *testing.T) {
	p := newPeer(alpha, time.Time{})
	p.fetching = true
	for i := range uint64(10 * maxHeld) {
		p.receive(rosterMessage{Changes: &part{From: i, To: i + 1, Last: true}}, time.Time{})
	}
	if len(p.held) > maxHeld {
		t.Errorf("%d changes are held", len(p.held))
	}
	p.fetched(&changes{whole: true}, time.Time{})
	if !p.behind {
		t.Error("it does not notice that changes are missing")
	}
}

func applyTo(all map[string]swarm.Presence, c swarm.RosterChanges) {
	if c.Whole {
		clear(all)
	}
	for _, d := range c.Departed {
		delete(all, d.DriverID)
	}
	for _, p := range c.Present {
		all[p.ID] = p
	}
}

// churn lets drivers join, report, move their session and leave.
func (f *fakeDrivers) churn(random *rand.Rand) {
	for range random.IntN(6) {
		id := fmt.Sprint("driver-", random.IntN(12))
		f.mu.Lock()
		_, known := f.own[id]
		f.mu.Unlock()
		switch random.IntN(5) {
		case 0:
			if known {
				f.leave(id)
			}
		case 1:
			f.join(id)
		default:
			if known {
				f.report(id, random.Int64N(3))
			}
		}
	}
}

func (f *fakeDrivers) all() map[string]swarm.Presence {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]swarm.Presence{}
	for id, o := range f.own {
		out[id] = o.Presence
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
