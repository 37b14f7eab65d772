package demo

import (
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver"
)

func TestApply(t *testing.T) {
	p := newPlayers(spawnDelay, nil)
	for _, tc := range []struct {
		command driver.Command
		target  int64
		delay   time.Duration
		refused bool
	}{
		{driver.Command{Type: driver.SetPlayers, Players: 7}, 7, spawnDelay, false},
		{driver.Command{Type: driver.SetSpawnDelay, SpawnDelayMS: 5}, 7, 5 * time.Millisecond, false},
		{driver.Command{Type: driver.SetPlayers, Players: MaxPlayers + 1}, 7, 5 * time.Millisecond, true},
		{driver.Command{Type: driver.Stop}, 0, 5 * time.Millisecond, false},
	} {
		err := p.apply(t.Context(), tc.command)
		if (err != nil) != tc.refused {
			t.Errorf("%+v: error %v", tc.command, err)
		}
		if p.target != tc.target || p.delay != tc.delay {
			t.Errorf("%+v: target %d, delay %v; want %d, %v", tc.command, p.target, p.delay, tc.target, tc.delay)
		}
	}
}
