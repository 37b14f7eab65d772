package web

import (
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// history records the roster over time: players of the whole swarm and of each driver, and changes of sessions. It is
// bounded. The players of the whole swarm are kept across restarts; the rest covers the time since this server started.
type history struct {
	mu       sync.Mutex
	sums     samples
	begun    bool // a sample was taken
	sparks   map[string][]int64
	sparkAt  time.Time
	sessions map[string]*sessionLog
}

type sessionLog struct {
	state     swarm.DriverState
	connected time.Time
	events    []view.SessionEvent // oldest first
}

const (
	sparkEvery = 5 * time.Second
	keptSpark  = 60
	keptEvents = 40 // per driver
)

func newHistory(past []view.Sample) *history {
	h := &history{sparks: map[string][]int64{}, sessions: map[string]*sessionLog{}}
	h.sums.restore(past, time.Now())
	return h
}

// samples returns the points of the chart, and whether all of them are from an earlier process.
func (h *history) samples() (all []view.Sample, resumed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.sums.all), !h.begun
}

func (h *history) spark(id string) []int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.sparks[id])
}

func (h *history) events(id string) []view.SessionEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	log := h.sessions[id]
	if log == nil {
		return nil
	}
	out := slices.Clone(log.events)
	slices.Reverse(out)
	return out
}

// observe records w. It returns the sample, if one was due.
func (h *history) observe(w view.World) (s view.Sample, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.observeSessions(w)
	if since := w.Now.Sub(h.sparkAt); since >= sparkEvery {
		h.observeSparks(w, !h.sparkAt.IsZero() && since > view.HoleAfter)
		h.sparkAt = w.Now
	}
	if !h.sums.due(w.Now) {
		return view.Sample{}, false
	}
	first := !h.begun
	h.begun = true
	return h.sums.add(w.Sum(), first), true
}

// observeSparks records a value for each driver. paused means that no values could be recorded for a while.
func (h *history) observeSparks(w view.World, paused bool) {
	next := make(map[string][]int64, len(w.Drivers))
	for _, d := range w.Drivers {
		values := h.sparks[d.ID]
		if paused {
			values = append(values, view.Unknown)
		}
		values = append(values, w.Runs(d))
		if len(values) > keptSpark {
			values = slices.Delete(values, 0, len(values)-keptSpark)
		}
		next[d.ID] = values
	}
	h.sparks = next
}

// observeSessions records changes. It forgets a driver that the roster has forgotten.
func (h *history) observeSessions(w view.World) {
	for _, d := range w.Drivers {
		log := h.sessions[d.ID]
		if log == nil {
			log = &sessionLog{}
			h.sessions[d.ID] = log
		}
		log.observe(d, w.Now)
	}
	if len(h.sessions) > len(w.Drivers) {
		known := make(map[string]bool, len(w.Drivers))
		for _, d := range w.Drivers {
			known[d.ID] = true
		}
		for id := range h.sessions {
			if !known[id] {
				delete(h.sessions, id)
			}
		}
	}
}

func (l *sessionLog) observe(d swarm.Driver, now time.Time) {
	add := func(at time.Time, state swarm.DriverState, what string) {
		l.events = append(l.events, view.SessionEvent{At: at, State: state, What: what})
		if len(l.events) > keptEvents {
			l.events = slices.Delete(l.events, 0, len(l.events)-keptEvents)
		}
	}
	switch {
	case !d.ConnectedAt.Equal(l.connected):
		add(d.ConnectedAt, swarm.Active, "connected from "+d.RemoteAddr)
		if d.State != swarm.Active {
			l.state, l.connected = swarm.Active, d.ConnectedAt
			l.observe(d, now)
		}
	case d.State == l.state:
	case d.State == swarm.Active:
		add(now, d.State, "heartbeats are on time again")
	case d.State == swarm.Stale:
		add(now, d.State, "heartbeats are late")
	case d.State == swarm.Disconnected:
		add(now, d.State, "session lost")
	}
	l.state, l.connected = d.State, d.ConnectedAt
}
