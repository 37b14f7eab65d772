package drivers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

func TestOutboxKeepsWhatCounts(t *testing.T) {
	delay := swarm.Command{Type: command.SetSpawnDelay, Value: 5}
	for name, c := range map[string]struct {
		put        []swarm.Command
		left, gone []uint64
	}{
		"newer players":               {[]swarm.Command{set10, set20}, []uint64{2}, []uint64{1}},
		"stop after players":          {[]swarm.Command{set10, stop}, []uint64{2}, []uint64{1}},
		"players after stop":          {[]swarm.Command{stop, set10}, []uint64{1, 2}, nil},
		"stop, players, stop":         {[]swarm.Command{stop, set10, stop}, []uint64{3}, []uint64{1, 2}},
		"stop, players, players":      {[]swarm.Command{stop, set10, set20}, []uint64{1, 3}, []uint64{2}},
		"delay does not touch others": {[]swarm.Command{stop, delay, set10, delay}, []uint64{1, 3, 4}, []uint64{2}},
	} {
		b := newOutbox()
		var gone, left []uint64
		for i, cmd := range c.put {
			superseded, _ := b.put(unsent{seq: uint64(i) + 1, command: cmd})
			gone = append(gone, superseded...)
		}
		for _, m := range b.commands {
			left = append(left, m.seq)
		}
		if diff := cmp.Diff([][]uint64{c.left, c.gone}, [][]uint64{left, gone}); diff != "" {
			t.Errorf("%s: left and superseded (-want +got):\n%s", name, diff)
		}
	}
}

func TestOutboxIsBoundedAndLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newOutbox()
		superseded := map[uint64]bool{}
		n := uint64(rapid.IntRange(1, 30).Draw(t, "commands"))
		for seq := uint64(1); seq <= n; seq++ {
			c := swarm.Command{Type: rapid.SampledFrom(command.Types()).Draw(t, "type")}
			gone, _ := b.put(unsent{seq: seq, command: c})
			for _, old := range gone {
				if superseded[old] {
					t.Fatalf("seq %d superseded twice", old)
				}
				superseded[old] = true
			}
			if len(b.commands) > 3 {
				t.Fatalf("%d commands wait", len(b.commands))
			}
		}
		last := uint64(0)
		for _, m := range b.commands {
			if m.seq <= last || superseded[m.seq] {
				t.Fatalf("seq %d after %d, superseded %v", m.seq, last, superseded[m.seq])
			}
			last = m.seq
		}
		if len(superseded)+len(b.commands) != int(n) || last != n {
			t.Fatalf("%d superseded and %d waiting of %d commands, newest waiting %d", len(superseded), len(b.commands),
				n, last)
		}
	})
}
