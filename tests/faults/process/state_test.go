package process_test

import (
	"testing"
	"time"
)

// state is the answer of GET /state.
type state struct {
	Counts  struct{ Converged, Drifting, Unknown int }
	Drivers []drift `json:"items"`
}

// drift compares a driver with its desired state.
type drift struct {
	ID         string `json:"driver_id"`
	State      string
	Drift      string
	AppliedSeq uint64 `json:"applied_seq"`
	Reported   struct {
		Players      int64
		SpawnDelayMS int64 `json:"spawn_delay_ms"`
		Running      bool
	}
}

// stopped reports whether the driver is connected and has reported, since its last command, that it runs nothing.
func (d drift) stopped() bool {
	return d.State == "active" && d.Drift == "converged" && d.Reported.Players == 0 && !d.Reported.Running
}

// state reads GET /state. If the server does not answer, the state is empty.
func (w *world) state() (s state) {
	if w.client.get(w.t.Context(), "/state", &s) != nil {
		return state{}
	}
	return s
}

// of returns the item of one driver.
func (s state) of(id string) drift {
	for _, d := range s.Drivers {
		if d.ID == id {
			return d
		}
	}
	return drift{}
}

// running counts the drivers that are not known to run nothing.
func (s state) running() (n int) {
	for _, d := range s.Drivers {
		if !d.stopped() {
			n++
		}
	}
	return n
}

// converged waits until so many drivers do what is desired, and returns how long that took.
func (w *world) converged(n int, what string) time.Duration {
	w.t.Helper()
	began := time.Now()
	var s state
	if !within(patience, func() bool {
		s = w.state()
		return s.Counts.Converged == n
	}) {
		w.t.Fatalf("%s: after %v not %d drivers have converged: %+v", what, patience, n, s)
	}
	return time.Since(began)
}

// patience is the limit for events that are certain, on a machine that may be busy.
const patience = time.Minute

// all posts a command to every driver and checks that all n have acked it.
func (w *world) all(t *testing.T, n int, c command) entry {
	t.Helper()
	if c.deadline == 0 {
		c.deadline = 30 * time.Second // it ends when all have acked: only a hang takes so long
	}
	a, err := w.client.post(t.Context(), c)
	if err != nil || a.entry.Counts.Acked != n || a.entry.Counts.Targeted != n {
		t.Fatalf("%+v: %d %s %v", c, a.status, a.body, err)
	}
	return a.entry
}
