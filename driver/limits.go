package driver

import (
	"fmt"
	"sync"

	"github.com/swarmcall/swarmcall/command"
)

// LocalStop is the driver's own stop, for whoever is at the machine and not at the server: a signal handler, a key, a
// guard that watches the target. Commands do not override it. The zero value is released and ready; see
// Config.LocalStop.
//
// While it is engaged the load is zero and stays so: set_players of more than 0 is rejected with the code
// "stopped_locally", with the server or without it, and heartbeats tell that nothing runs. Stop and set_spawn_delay_ms
// are taken as ever. To release it starts nothing. The load that the server desires comes with the next command, or
// when the driver registers again.
type LocalStop struct {
	mu      sync.Mutex
	engaged bool
	workers map[*worker]struct{}
}

// Engage stops the load. It does not wait: the handler gets a Stop, with Command.Origin FromLocalStop, before any other
// command and as soon as a running Apply has returned. To engage it twice is to engage it once.
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

// Engaged reports whether the load is stopped by this.
func (s *LocalStop) Engaged() bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.engaged
}

// attach has w halted by s, until detach.
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

// limits are what the driver itself allows, whatever the server wants.
type limits struct {
	capabilities []CommandType // none: all
	maxPlayers   int64         // 0: no limit
	stop         *LocalStop    // nil: none
}

// refusal says why c is not for the handler; nil when it is.
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
