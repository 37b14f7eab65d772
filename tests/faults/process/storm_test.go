package process_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// keysPerStorm and postsPerKey make a storm: so many clients post at once.
const (
	keysPerStorm = 4
	postsPerKey  = 12
)

// TestOneKeyInAStorm posts the same requests many times at once, through a proxy that cuts connections before the
// server has the request, or before the client has the answer, and with a kill -9 in every second storm. In every case:
// one key, one dispatch, and the same answer to all.
func TestOneKeyInAStorm(t *testing.T) {
	chance, seed := seeded(t)
	f := func(what string) tally { return tally{t: t, what: what, seed: seed} }
	s := &storms{
		world: newWorld(t, 2), proxy: swarmtest.NewProxy(t),
		once: f("keys with other than one dispatch"), equal: f("answers to a key that differ in more than the header"),
		other: f("keys that lead another request, or another submitter, to the same entry"),
	}
	s.client = newClient(s.proxy.URL())
	for round := range rounds(6, 100) {
		answers := s.storm(round, round%2 == 1, chance)
		s.check(round, answers)
	}
	for _, c := range []*tally{&s.once, &s.equal, &s.other} {
		c.report()
	}
	t.Logf("posts: %d; of them cut, and tried again: %d", s.posts, s.cuts)
}

type storms struct {
	*world
	proxy  *swarmtest.Proxy // for the controllers; it cuts connections. The drivers use the world's
	client *client

	once, equal, other tally

	mu          sync.Mutex
	posts, cuts int
	answers     []answer
}

func stormy(round, key int) command {
	return command{submitter: fmt.Sprintf("storm-%d-%d", round, key), key: "only", players: int64(100*round + key + 1)}
}

// storm posts until each client has its answer.
func (s *storms) storm(round int, kill bool, chance *rand.Rand) []answer {
	s.t.Helper()
	s.answers = nil
	s.proxy.Limit(cutting(chance.Uint64()))
	s.proxy.Forward(s.server.Addr)
	var all sync.WaitGroup
	for i := range keysPerStorm * postsPerKey {
		all.Go(func() { s.insist(stormy(round, i%keysPerStorm)) })
	}
	if kill {
		eventually(s.t, patience, "an answer has come through", func() bool { return s.answered() > 0 })
		s.down()
		s.proxy.Forward("")
		s.up()
		s.proxy.Forward(s.server.Addr)
	}
	all.Wait()
	s.joined()
	return s.answers
}

// cutting cuts most connections: during the request, before the answer, or during the answer.
func cutting(seed uint64) func() (up, down int64) {
	chance := rand.New(rand.NewPCG(seed, 1)) // the proxy makes one call at a time
	return func() (up, down int64) {
		switch chance.IntN(4) {
		case 0:
			return int64(chance.IntN(300)), -1
		case 1:
			return -1, 0
		case 2:
			return -1, int64(chance.IntN(600))
		default:
			return -1, -1
		}
	}
}

// insist tries until there is an answer, as a client with a key may.
func (s *storms) insist(c command) {
	for s.t.Context().Err() == nil {
		a, err := s.client.post(s.t.Context(), c)
		s.mu.Lock()
		s.posts++
		if err == nil && a.accepted() {
			s.answers = append(s.answers, a)
			s.mu.Unlock()
			return
		}
		s.cuts++
		s.mu.Unlock()
		if err == nil && a.code != "no_active_drivers" { // for a moment after the restart
			s.t.Errorf("%+v: %d %s", c, a.status, a.body)
			return
		}
	}
}

func (s *storms) answered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.answers)
}

func (s *storms) check(round int, answers []answer) {
	s.t.Helper()
	type told struct {
		seq  uint64
		late int // an entry that the restart closed grows by its late acks
	}
	first := map[told]answer{}
	for _, a := range answers {
		key := told{a.entry.Seq, a.entry.Counts.Late}
		if f, ok := first[key]; ok {
			s.equal.trial(bytes.Equal(f.body, a.body), "round %d: %s, then %s", round, f.body, a.body)
		}
		first[key] = a
	}
	for key := range keysPerStorm {
		c := stormy(round, key)
		entries := s.world.client.entries(s.t, 0, c.submitter)
		s.once.trial(len(entries) == 1, "round %d, key %d: %d entries", round, key, len(entries))
		for _, d := range s.drivers {
			s.once.trial(times(d, c.players) <= 1, "round %d, key %d: %s got it %d times", round, key, d.id,
				times(d, c.players))
		}
		c.players += 50
		a, err := s.world.client.post(s.t.Context(), c)
		s.other.trial(err == nil && a.code == "idempotency_key_reused", "round %d: %s %v", round, a.body, err)
		c.submitter += "-other"
		a, err = s.world.client.post(s.t.Context(), c)
		s.other.trial(err == nil && a.accepted() && !a.replayed, "round %d: %s %v", round, a.body, err)
	}
}

// times is how often a driver was sent the command live.
func times(d *light, players int64) (n int) {
	for _, f := range d.got() {
		if !f.desired && f.players == players {
			n++
		}
	}
	return n
}
