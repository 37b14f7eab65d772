package process_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

const (
	writers    = 8
	submitters = 4 // so that two writers each share one, with its keys
)

// TestKillAtAnyMoment kills the server under 8 writers again and again, and compares what they saw with what is in the
// log.
func TestKillAtAnyMoment(t *testing.T) {
	chance, seed := seeded(t)
	w := newWorld(t, 3)
	c := newKillTallies(t, seed)
	last := uint64(0)
	for round := range rounds(12, 200) {
		h := newHistory()
		killed := underFire(w, h, round, time.Duration(1+chance.IntN(400))*time.Millisecond, chance.Uint64())
		log := c.settled(w, last, killed)
		last = log[len(log)-1].Seq
		c.check(w, h, log, round)
		if t.Failed() {
			break
		}
	}
	w.server.stop(t)
	out, err := verify(t, w.launch.dir)
	c.verify.trial(err == nil, "after the last round: %s", out)
	c.report()
	t.Log(out)
}

// underFire lets the writers write for a while, kills the server, checks the log as the crash left it, and starts it
// again. A writer with a key retries until there is an answer; a writer without one gives up, and may have issued a
// command or not.
func underFire(w *world, h *history, round int, life time.Duration, seed uint64) (killed time.Time) {
	w.t.Helper()
	firing, cease := context.WithCancel(w.t.Context())
	defer cease()
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() { write(firing, w, h, i, round, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	<-time.After(life)
	w.down()
	killed = time.Now()
	cease()
	if out, err := verify(w.t, w.launch.dir); err != nil {
		w.t.Errorf("round %d: the log after kill -9: %s", round, out)
	}
	w.up()
	all.Wait()
	w.joined()
	return killed
}

// write issues commands and reads until firing ends.
func write(firing context.Context, w *world, h *history, writer, round int, chance *rand.Rand) {
	submitter := fmt.Sprintf("w-%d-%d", round, writer%submitters)
	for n := 0; firing.Err() == nil; n++ {
		c := command{submitter: submitter, players: int64(1_000_000*(writer+1) + n)}
		if chance.IntN(2) == 0 {
			c.prefer = "respond-async"
		}
		switch chance.IntN(4) {
		case 0:
			h.record(op{writer: writer, command: command{submitter: submitter}, read: true}, func(o *op) { look(w, o) })
		case 1:
			h.record(op{writer: writer, command: c}, func(o *op) { try(w, o) })
		default: // the other writer of this submitter sends the same request with the same key
			c.players = int64(n)
			c.key = fmt.Sprintf("k-%d", n)
			h.record(op{writer: writer, command: c}, func(o *op) { insist(w, o) })
		}
	}
}

// look reads the newest entries of a submitter.
func look(w *world, o *op) {
	var p page
	err := w.client.get(w.t.Context(), fmt.Sprintf("/commands?limit=%d&submitter=%s", readLimit, o.command.submitter),
		&p)
	o.unknown, o.items = err != nil, p.Items
}

// try posts a command once.
func try(w *world, o *op) {
	a, err := w.client.post(w.t.Context(), o.command)
	o.answer, o.unknown, o.refused = a, err != nil, err == nil && !a.accepted()
	o.tries++
}

// insist posts a command until an answer tells its result.
func insist(w *world, o *op) {
	for w.t.Context().Err() == nil {
		if try(w, o); !o.unknown && !o.refused {
			return
		}
		if o.refused && o.answer.code != "no_active_drivers" {
			w.t.Errorf("%+v: %d %s", o.command, o.answer.status, o.answer.body)
			return
		}
	}
}
