package driver

import (
	"fmt"
	"sync"

	"github.com/swarmcall/swarmcall/command"
)

// LocalStop is the driver's own stop, for use on the driver's machine: by a signal handler, a key, or a guard that
// watches the target. Commands do not override it. The zero value is released and ready to use; see Config.LocalStop.
//
// While it is engaged, the load is zero and stays zero: set_players of more than 0 is rejected with the code
// "stopped_locally", with or without a server, and heartbeats report that nothing runs. Stop and set_spawn_delay_ms are
// accepted as usual. Releasing it starts nothing: the desired load arrives with the next command, or when the driver
// registers again.
type LocalStop struct {
	mu      sync.Mutex
	engaged bool
	workers map[*worker]struct{}
}

// Engage stops the load. It does not wait: the handler gets a Stop with Command.Origin FromLocalStop, before any other
// command and as soon as a running Apply has returned. Engaging it twice has no further effect.
func (s *LocalStop) Engage() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.engaged {
		return
	}
	s.engaged = true
	for w := range s.workers {
		w.halt(FromLocalStop)
	}
}

// Release lets commands set players again.
func (s *LocalStop) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.engaged = false
}

// Engaged reports whether the local stop is engaged.
func (s *LocalStop) Engaged() bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.engaged
}

// attach makes s halt w, until detach is called.
func (s *LocalStop) attach(w *worker) (detach func()) {
	if s == nil {
		return func() {}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.workers == nil {
		s.workers = map[*worker]struct{}{}
	}
	s.workers[w] = struct{}{}
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.workers, w)
	}
}

// limits are the driver's own limits, which the server cannot override.
type limits struct {
	capabilities []CommandType // none: all
	maxPlayers   int64         // 0: no limit
	stop         *LocalStop    // nil: none
}

// refusal returns the rejection of c if c must not reach the handler, else nil.
func (l limits) refusal(c Command) *Rejection {
	switch {
	case !command.Takes(l.capabilities, c.Type):
		return unsupported(c.Type)
	case l.maxPlayers > 0 && c.Type == SetPlayers && c.Players > l.maxPlayers:
		return &Rejection{
			Code: codeOverLimit, Detail: fmt.Sprintf("this driver accepts at most %d players", l.maxPlayers),
		}
	case c.Command().Load() && l.stop.Engaged():
		return &Rejection{Code: codeStopped, Detail: "this driver is stopped locally, on its own machine"}
	}
	return nil
}
