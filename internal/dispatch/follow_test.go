package dispatch

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// follower notes what a submission is told, and in which order.
type follower struct {
	mu   sync.Mutex
	told []string
}

func (f *follower) Issued(seq uint64)   { f.note(fmt.Sprint("issued ", seq)) }
func (f *follower) Replayed(seq uint64) { f.note(fmt.Sprint("replayed ", seq)) }
func (f *follower) Refused(err error)   { f.note("refused " + string(swarm.CodeOf(err))) }

func (f *follower) note(what string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, what)
}

func (f *follower) was(t *testing.T, want ...string) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if diff := cmp.Diff(want, f.told); diff != "" {
		t.Errorf("the follower was told (-want +got):\n%s", diff)
	}
}

// offers notes the traceparent of each command that is offered.
type offers struct {
	*swarmtest.Fleet
	parents follower
}

func (o *offers) Offer(i swarm.Issue) swarm.Handover {
	o.parents.note(i.Traceparent)
	return o.Fleet.Offer(i)
}

// offers must be called before the sequencer starts.
func (w *world) offers() *offers {
	o := &offers{Fleet: w.fleet}
	w.d.Bind(w.fleet, o, w.fleet)
	return o
}

func followed(s swarm.Submission) (swarm.Submission, *follower) {
	f := &follower{}
	s.Follower = f
	return s, f
}

// TestAFollowerIsToldBeforeTheDrivers: a driver may answer at once, so that the outcome is decided within Offer.
func TestAFollowerIsToldBeforeTheDrivers(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		s, f := followed(ordinary(time.Second))
		w.fleet.OnOffer(func() { f.note("offered") })
		r := w.Submit(t.Context(), s)
		f.was(t, fmt.Sprint("issued ", r.Seq), "offered")
	})
}

func TestAFollowerOfAReplay(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		first := w.Submit(t.Context(), keyedCommand("ci", "k", 7))
		s, f := followed(keyedCommand("ci", "k", 7))
		w.Submit(t.Context(), s)
		f.was(t, fmt.Sprint("replayed ", first.Seq))
		s, f = followed(keyedCommand("ci", "k", 8))
		w.Submit(t.Context(), s)
		f.was(t, "refused idempotency_key_reused")
	})
}

func TestAFollowerOfARefusal(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		s, f := followed(ordinary(time.Second)) // there is no driver
		w.Submit(t.Context(), s)
		f.was(t, "refused no_active_drivers")
		s, f = followed(ordinary(0))
		w.Submit(t.Context(), s)
		f.was(t, "refused invalid_command")

		w.fleet.Join("a")
		w.log.FailWith(func() error { return errors.New("no space") })
		s, f = followed(ordinary(time.Second))
		w.Submit(t.Context(), s)
		f.was(t, "refused log_unavailable")
		w.log.FailWith(nil)
	})
}

// TestAFollowerOfAClientThatLeft: a follower must not wait for an outcome after the client has left.
func TestAFollowerOfAClientThatLeft(t *testing.T) {
	inIdleWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		ctx, leave := context.WithCancel(t.Context())
		leave()
		s, f := followed(ordinary(time.Second))
		w.Submit(ctx, s)
		f.was(t)
		w.start()
		swarmtest.Advance(time.Second)
		f.was(t, "refused internal")
	})
}

// TestAFollowerAtTheStop: the server refuses commands while it stops, before and after its sequencer has ended.
func TestAFollowerAtTheStop(t *testing.T) {
	inWorld(t, func(t *testing.T, w *world) {
		w.fleet.Join("a")
		w.d.refuse()
		s, f := followed(ordinary(time.Second))
		w.Submit(t.Context(), s)
		f.was(t, "refused shutting_down")
		w.d.queue.close()
		swarmtest.Advance(time.Second)
		s, f = followed(ordinary(time.Second))
		w.Submit(t.Context(), s)
		f.was(t, "refused shutting_down")
	})
}

// TestTheTraceIsOffered: the drivers' side receives the traceparent of the submission.
func TestTheTraceIsOffered(t *testing.T) {
	inIdleWorld(t, func(t *testing.T, w *world) {
		const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
		w.fleet.Join("a")
		o := w.offers()
		w.start()
		s := ordinary(time.Second)
		s.Traceparent = parent
		w.Submit(t.Context(), s)
		o.parents.was(t, parent)
	})
}

// TestASplitByTheServerIsFollowed: nobody else gives its submission a follower.
func TestASplitByTheServerIsFollowed(t *testing.T) {
	inIdleWorld(t, func(t *testing.T, w *world) {
		f := &follower{}
		w.d.follow = func(_ context.Context, s *swarm.Submission) {
			f.note(s.Submitter + ": " + s.Cause)
			s.Follower, s.Traceparent = f, "of the server"
		}
		w.fleet.Join("a")
		o := w.offers()
		w.start()
		first := w.Submit(t.Context(), total(10))
		w.d.Resplit(first.Seq, "lost", []string{"b"})
		swarmtest.Advance(time.Second)
		f.was(t, "ci: split again: b lost", "issued 3")
		o.parents.was(t, "", "of the server")
	})
}
