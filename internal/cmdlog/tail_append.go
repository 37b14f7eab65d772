package cmdlog

import (
	"context"
	"errors"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

const (
	attemptTimeout = 2 * time.Second        // for one publish
	tailPatience   = time.Second            // for the tail to show what an answer announced
	firstPause     = 20 * time.Millisecond  // before another attempt after a refusal; twice as long after the next
	longestPause   = 500 * time.Millisecond // of these
)

// waiting is an append that waits for the tail.
type waiting struct {
	id      string
	ctx     context.Context // ends when the tail has decided
	decided context.CancelFunc
	stored  bool // valid then; if not, another append was first
}

func (w *waiting) end(stored bool) {
	w.stored = stored
	w.decided()
}

// append stores an append of this process. Whatever the servers answer, the tail decides: it shows the append, which is
// then stored, or another one in its place, and then this one can never be stored, because it may only begin there. So
// it may be published again with the same id until that is certain, and cannot be stored twice.
func (t *tail) append(ctx context.Context, p parcel) error {
	defer t.want()()
	p.id = t.ids.next()
	w, ok := t.await(ctx, p)
	if !ok {
		return t.overtaken()
	}
	defer w.decided()
	refusal := t.publish(w, p)
	if t.give(w) {
		return refusal
	}
	<-w.ctx.Done() // the tail is passing the records
	if !w.stored {
		return swarm.ErrConflict
	}
	return nil
}

// publish returns nil once the tail has decided, or the reason why it gave up waiting.
func (t *tail) publish(w *waiting, p parcel) error {
	patience := time.NewTimer(appendTimeout)
	defer patience.Stop()
	uncertain := false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err, wait := t.attempt(w, p), pause
		switch {
		case err == nil:
			uncertain, wait = true, appendTimeout
		case errors.Is(err, errConflict):
			wait = tailPatience // the other append may still get lost, if the leader does
		case errors.Is(err, errUncertain):
			uncertain = true
		case !errors.Is(err, errUnavailable) && !uncertain:
			return t.refused(err)
		}
		select {
		case <-w.ctx.Done():
			return nil
		case <-patience.C:
			return t.gaveUp(uncertain, err)
		case <-t.log.life.alive.Done():
			return t.log.unavailable(t.log.life.failure())
		case <-time.After(wait):
		}
	}
}

// attempt publishes an append and waits for the answer, or for the tail. The publish itself is never interrupted: a
// batch without its last message would stay open at the servers, which allow few of them.
func (t *tail) attempt(w *waiting, p parcel) error {
	answer := make(chan error, 1)
	t.running.Go(func() {
		ctx, cancel := context.WithTimeout(t.log.life.alive, attemptTimeout)
		defer cancel()
		answer <- t.stream.publish(ctx, p)
	})
	select {
	case err := <-answer:
		return err
	case <-w.ctx.Done():
		return nil
	}
}

func (t *tail) refused(cause error) error {
	if errors.Is(cause, errFull) {
		return full(cause.Error())
	}
	return t.log.unavailable(cause)
}

func (t *tail) gaveUp(uncertain bool, cause error) error {
	if !uncertain {
		return t.log.unavailable(cause)
	}
	return &swarm.Error{
		Code: swarm.CodeLogUnavailable, Cause: cause,
		Detail: "it is not known whether the command was logged, because the log's servers did not answer in time: it " +
			"may still be issued. Send it again with the same Idempotency-Key: it is then issued once",
	}
}

// await registers an append, if the tail has not begun to pass another one after its position.
func (t *tail) await(ctx context.Context, p parcel) (*waiting, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.next != p.first() {
		return nil, false
	}
	w := &waiting{id: p.id}
	w.ctx, w.decided = context.WithCancel(ctx)
	t.own = w
	return w, true
}

// give ends the wait, unless the tail has begun to decide.
func (t *tail) give(w *waiting) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.own != w {
		return false
	}
	t.own = nil
	return true
}

// overtaken is the answer to an append after a position that is not the end, once what was appended first has been
// passed.
func (t *tail) overtaken() error {
	t.mu.Lock()
	before := t.next - 1
	t.mu.Unlock()
	alive := t.log.life.alive
	if err := t.log.passed.wait(alive, alive, before); err != nil {
		return t.log.unavailable(err)
	}
	return swarm.ErrConflict
}
