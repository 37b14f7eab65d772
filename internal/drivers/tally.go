package drivers

import (
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Tally counts the known drivers and their players. It copies none of them, so it needs little memory in a swarm of any
// size.
func (r *Registry) Tally() (t swarm.Tally) {
	defer r.readers.begin()()
	r.survey(time.Now(), func(m *member, state swarm.DriverState) {
		if w, ok := r.desired.Load(m.id, m.labels); ok {
			t.Target += w.Command.Value
		}
		switch state {
		case swarm.Active:
			t.Active++
			t.Actual += m.players()
			if m.unresponsive() {
				t.Unresponsive++
			}
		case swarm.Stale:
			t.Stale++
		case swarm.Disconnected:
			t.Disconnected++
		}
	})
	return t
}

// players returns how many players the driver last reported.
func (m *member) players() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.report.Players
}
