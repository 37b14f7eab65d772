package together

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// stays marks the address of a driver whose token does not expire.
const stays = "?stays"

// TestNoCommandIsMissingBecauseOfARotation: the tokens of 40 drivers expire all the time, so their sessions end and
// they come back with a new token, while commands follow one another. The log takes 2 ms for an append, and drivers up
// to 4 ms for an answer, in which they may read that their session ends. So sessions become due at every moment of a
// command. Each driver acks each command, or is left out of it because it was away.
func TestNoCommandIsMissingBecauseOfARotation(t *testing.T) {
	const rotating, staying, submitters = 40, 3, 2
	rotations := 1000
	if testing.Short() || raceEnabled {
		rotations = 200
	}
	synctest.Test(t, func(t *testing.T) {
		h := &history{world: open(t), t: t, answers: map[uint64]swarm.Entry{}}
		h.log.FailWith(func() error { swarmtest.Advance(2 * time.Millisecond); return nil })
		var expire, over atomic.Bool
		expire.Store(true)
		sockets := h.handler()
		net := swarmtest.Serve(t, http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
			p := swarm.Principal{Name: "drivers", Role: swarm.RoleDriver, Credential: "token:1"}
			if expire.Load() && "?"+req.URL.RawQuery != stays {
				p.Expires = time.Now().Add(time.Second + rand.N(time.Second))
			}
			sockets.ServeHTTP(rw, req.WithContext(swarm.WithPrincipal(req.Context(), p)))
		}))
		for i := range rotating + staying {
			address := "ws://127.0.0.1/drivers/connect"
			if i >= rotating {
				address += stays
			}
			p := newProcess(fmt.Sprintf("d-%02d", i), net.Client(), address)
			p.answerSlowly(time.Duration(i%5) * time.Millisecond)
			if err := p.connect(); err != nil {
				t.Fatal(err)
			}
			h.processes = append(h.processes, p)
		}
		synctest.Wait()
		var sessions atomic.Int64
		var returning, submitting sync.WaitGroup
		for _, p := range h.processes[:rotating] {
			returning.Go(func() {
				for !over.Load() {
					swarmtest.Advance(time.Millisecond + rand.N(20*time.Millisecond))
					if p.connected() {
						continue
					}
					if err := p.connect(); err != nil {
						t.Errorf("%s: %v", p.id, err)
					}
					sessions.Add(1)
				}
			})
		}
		for s := range submitters {
			submitting.Go(func() {
				for i := 0; sessions.Load() < int64(rotations); i++ {
					c := []swarm.Command{players(int64(i)), stop, {Type: command.SetSpawnDelay, Value: int64(i)}}[(s+i)%3]
					if _, err := h.submit(submission(c, time.Second)); err != nil {
						t.Error(err)
					}
					swarmtest.Advance(rand.N(10 * time.Millisecond))
				}
			})
		}
		submitting.Wait()
		expire.Store(false)
		swarmtest.Advance(10 * time.Second)
		over.Store(true)
		returning.Wait()
		h.settle()
		problems := append(h.ordered(), h.convergent()...)
		h.stop()
		for _, p := range h.processes {
			p.end(t)
		}
		missing, leftOut, found := h.rotated()
		for _, problem := range append(append(problems, h.complete()...), found...) {
			t.Error(problem)
		}
		if leftOut == 0 {
			t.Error("no driver was ever left out: nothing was rotated under a command")
		}
		t.Logf("%d rotations, %d commands: %d missing, %d left out", sessions.Load(), len(h.log.Entries()), missing, leftOut)
	})
}

// rotated looks for drivers that are missing, or were left out for another reason than that they were away.
func (h *history) rotated() (missing, leftOut int, problems []string) {
	for _, e := range h.log.Entries() {
		for _, l := range e.Issued.LeftOut {
			if leftOut++; l.Reason != swarm.LeftOutDisconnected {
				problems = append(problems, fmt.Sprintf("seq %d: %s was left out: %s", e.Seq, l.DriverID, l.Reason))
			}
		}
		for i, v := range e.Closed.Verdicts {
			if v.Kind == swarm.Missing {
				missing++
				problems = append(problems, fmt.Sprintf("seq %d: %s is missing: %s", e.Seq, e.Issued.Targets[i], v.Reason))
			}
		}
	}
	return missing, leftOut, problems
}
