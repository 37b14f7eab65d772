package driver

import (
	"math"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/driver/wire"
)

func TestFromWire(t *testing.T) {
	zero, five, minus := int64(0), int64(5), int64(-1)
	for _, c := range []struct {
		name string
		in   wire.Command
		want Command
		code string
	}{
		{"players", wire.Command{Type: "set_players", Players: &five, Note: "n"},
			Command{Type: SetPlayers, Players: 5, Note: "n"}, ""},
		{"no players", wire.Command{Type: "set_players", Players: &zero}, Command{Type: SetPlayers}, ""},
		{"spawn delay", wire.Command{Type: "set_spawn_delay_ms", SpawnDelayMS: &five},
			Command{Type: SetSpawnDelay, SpawnDelayMS: 5}, ""},
		{"stop", wire.Command{Type: "stop"}, Command{Type: Stop}, ""},
		{"a value too many", wire.Command{Type: "stop", Players: &five}, Command{Type: Stop}, ""},
		{"players missing", wire.Command{Type: "set_players", SpawnDelayMS: &five}, Command{Type: SetPlayers},
			codeInvalid},
		{"players negative", wire.Command{Type: "set_players", Players: &minus}, Command{Type: SetPlayers},
			codeInvalid},
		{"delay missing", wire.Command{Type: "set_spawn_delay_ms"}, Command{Type: SetSpawnDelay}, codeInvalid},
		{"a type of a later server", wire.Command{Type: "set_pace"}, Command{Type: "set_pace"}, codeUnsupported},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, rejection := fromWire(7, c.in)
			c.want.Seq = 7
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if code := codeOf(rejection); code != c.code {
				t.Errorf("rejected with %q, want %q", code, c.code)
			}
		})
	}
}

func codeOf(r *Rejection) string {
	if r == nil {
		return ""
	}
	return r.Code
}

func TestStateAfter(t *testing.T) {
	var s State
	for _, step := range []struct {
		c    Command
		want State
	}{
		{Command{Type: SetSpawnDelay, SpawnDelayMS: 20}, State{Players: 0, SpawnDelayMS: 20, Running: false}},
		{Command{Type: SetPlayers, Players: 80}, State{Players: 80, SpawnDelayMS: 20, Running: true}},
		{Command{Type: SetPlayers, Players: 0}, State{Players: 0, SpawnDelayMS: 20, Running: false}},
		{Command{Type: SetPlayers, Players: 7}, State{Players: 7, SpawnDelayMS: 20, Running: true}},
		{Command{Type: Stop}, State{Players: 0, SpawnDelayMS: 20, Running: false}},
	} {
		if s = s.After(step.c.Command()); s != step.want {
			t.Errorf("after %+v: %+v, want %+v", step.c, s, step.want)
		}
	}
}

func TestMillisecondsFromOutside(t *testing.T) {
	for n, want := range map[int64]time.Duration{
		0: 0, 20: 20 * time.Millisecond, -1: 0, math.MinInt64: 0,
		math.MaxInt64: math.MaxInt64 / time.Millisecond * time.Millisecond,
	} {
		if got := milliseconds(n); got != want {
			t.Errorf("%d ms: %v, want %v", n, got, want)
		}
	}
	if got := (Command{SpawnDelayMS: 20}).SpawnDelay(); got != 20*time.Millisecond {
		t.Errorf("SpawnDelay = %v", got)
	}
}
