package process_test

import (
	"sync"
	"time"
)

// op is one call of a client, and its result.
type op struct {
	writer     int
	command    command // of an append
	read       bool    // of the submitter's entries, instead of an append
	call, done time.Duration
	tries      int
	unknown    bool // the answer to the last try never came
	refused    bool // an answer said that nothing was done
	answer     answer
	items      []entry // of a read, newest first
}

// history is what clients saw, in the order in which their calls ended. It is safe for concurrent use.
type history struct {
	began time.Time
	mu    sync.Mutex
	ops   []op
}

func newHistory() *history { return &history{began: time.Now()} }

func (h *history) now() time.Duration { return time.Since(h.began) }

// record runs a call and keeps it.
func (h *history) record(o op, call func(*op)) op {
	o.call = h.now()
	call(&o)
	o.done = h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, o)
	return o
}

func (h *history) len() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.ops)
}

// appends are the commands that a client tried to issue.
func (h *history) appends() (all []op) {
	for _, o := range h.ops {
		if !o.read && !o.refused {
			all = append(all, o)
		}
	}
	return all
}

// of are the calls about one submitter.
func (h *history) of(submitter string) (all []op) {
	for _, o := range h.ops {
		if o.command.submitter == submitter {
			all = append(all, o)
		}
	}
	return all
}
