package plan

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
)

// TestManyOutstandingDrivers: the server names the first hundred, and counts them all.
func TestManyOutstandingDrivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 300)
		for _, d := range s.drivers {
			d.mute = true
		}
		s.drivers["d-01"].mute = false
		later(t, 500*time.Millisecond, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, d := range s.drivers {
				d.mute = false
			}
		})
		said, err := s.run("on_missing: retry\nstages: [{set: {players: 10}}]")
		if err != nil {
			t.Errorf("%v\n%s", err, said)
		}
		if n := len(s.entries[1].Targets); n != 300 {
			t.Errorf("sent again to %d", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 300)
		for _, d := range s.drivers {
			d.mute = true
		}
		_, err := s.run("stages: [{set: {players: 10}}]")
		says(t, clierr.Text(err), "300 of 300 drivers are missing")
	})
}
