package cmdlog

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	watchEvery    = 500 * time.Millisecond
	answerTimeout = 2 * time.Second
	answerAge     = answerTimeout + watchEvery // from which on the last answer says nothing about the present
	// For how long the servers may deny what the tail has seen. After a restart or a partition a server that is not, or
	// no longer, the leader may answer for a while.
	denialPatience = 15 * time.Second
)

// watch asks the leader of a shared stream for its state at intervals, so that Check knows it without a request, and
// ends the log if the stream is gone or has been shortened.
type watch struct {
	log      *Log
	ends     *ends
	patience time.Duration
	behind   chan struct{} // receives when the tail does not move although the stream is longer

	mu       sync.Mutex
	last     uint64    // end of the stream in the newest answer
	answered time.Time // when the leader last answered
	err      error     // of the newest request
	denied   time.Time // since when the answers deny what the tail has seen; zero if they do not
}

func newWatch(l *Log, e *ends) *watch {
	return &watch{
		log: l, ends: e, patience: denialPatience, answered: time.Now(), behind: make(chan struct{}, 1),
	}
}

// run asks until the log ends.
func (w *watch) run() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	alive := w.log.life.alive
	for before, longer := uint64(0), false; ; {
		last := w.log.end() // before the request: the answer must include it
		s, err := w.ends.get(alive)
		if alive.Err() != nil {
			return
		}
		if err := w.judge(last, s, err, time.Now()); err != nil {
			_ = w.log.life.die(err)
			return
		}
		if longer && last == before {
			select {
			case w.behind <- struct{}{}:
			default:
			}
		}
		before, longer = last, err == nil && s.last > last
		select {
		case <-tick.C:
		case <-alive.Done():
			return
		}
	}
}

// judge takes in an answer, or its absence. It returns why the log must end.
func (w *watch) judge(last uint64, s state, err error, now time.Time) error {
	if err == nil && s.last < last {
		err = fmt.Errorf("%w: it ends at position %d, and this server has received position %d; somebody has restored "+
			"an older copy, or its servers have lost records", errBroken, s.last, last)
	} else if err == nil {
		w.log.limits.reported(s)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.err = err
	switch {
	case err == nil:
		w.last, w.answered, w.denied = s.last, now, time.Time{}
	case errors.Is(err, errReplaced):
		return err
	case !errors.Is(err, errBroken) && !errors.Is(err, errAbsent):
	case w.denied.IsZero():
		w.denied = now
	case now.Sub(w.denied) >= w.patience:
		return err
	}
	return nil
}

// end returns the end of the stream in the newest answer.
func (w *watch) end() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

// health returns why the stream could not take an append, as far as it is known.
func (w *watch) health() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch age := time.Since(w.answered); {
	case w.err != nil:
		return fmt.Errorf("the log's stream cannot accept entries: %w", w.err)
	case age > answerAge:
		return fmt.Errorf("the leader of the log's stream has not answered for %v", age.Round(time.Second/10))
	}
	return nil
}
