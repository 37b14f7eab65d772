package swarm

import (
	"slices"
	"testing"

	"github.com/swarmcall/swarmcall/command"
	"pgregory.net/rapid"
)

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		name      string
		total     int64
		over      []Share
		parts     []int64
		shortfall int64
	}{
		{"evenly", 9, []Share{{1, 0}, {1, 0}, {1, 0}}, []int64{3, 3, 3}, 0},
		{"what is left goes to the first of equals", 11, []Share{{1, 0}, {1, 0}, {1, 0}}, []int64{4, 4, 3}, 0},
		{"by weight", 100, []Share{{1, 0}, {3, 0}}, []int64{25, 75}, 0},
		{"to the largest remainder", 10, []Share{{3, 0}, {3, 0}, {1, 0}}, []int64{4, 4, 2}, 0},
		{"a cap passes on", 100, []Share{{1, 10}, {1, 0}}, []int64{10, 90}, 0},
		{"caps in a row", 100, []Share{{1, 10}, {1, 30}, {1, 0}}, []int64{10, 30, 60}, 0},
		{"a shortfall", 100, []Share{{1, 10}, {1, 20}}, []int64{10, 20}, 70},
		{"nothing", 0, []Share{{1, 0}, {1, 0}}, []int64{0, 0}, 0},
		{"more drivers than players", 2, []Share{{1, 0}, {1, 0}, {1, 0}}, []int64{1, 1, 0}, 0},
		{"nobody", 5, nil, []int64{}, 5},
	} {
		parts, shortfall := Split(c.total, command.MaxPlayers, c.over)
		if !slices.Equal(parts, c.parts) || shortfall != c.shortfall {
			t.Errorf("%s: got %v and %d, want %v and %d", c.name, parts, shortfall, c.parts, c.shortfall)
		}
	}
}

func TestSplitConservesTheTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total := rapid.Int64Range(0, 1_000_000_000_000).Draw(t, "total")
		over := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Share {
			return Share{
				rapid.Uint64Range(1, 1_000_000_000).Draw(t, "weight"),
				rapid.Int64Range(0, command.MaxPlayers).Draw(t, "cap"),
			}
		}), 0, 40).Draw(t, "over")
		parts, shortfall := Split(total, command.MaxPlayers, over)
		sum := shortfall
		for i, p := range parts {
			if sum += p; p < 0 || p > over[i].limit(command.MaxPlayers) {
				t.Fatalf("driver %d of %v got %d", i, over, p)
			}
		}
		if sum != total || shortfall < 0 {
			t.Fatalf("%v and %d add up to %d, not %d", parts, shortfall, sum, total)
		}
		if shortfall == 0 {
			return
		}
		for i, p := range parts {
			if p != over[i].limit(command.MaxPlayers) {
				t.Fatalf("driver %d has room, and %d players have no driver", i, shortfall)
			}
		}
	})
}

func TestSplitOfEqualsDiffersByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 200).Draw(t, "drivers")
		parts, _ := Split(rapid.Int64Range(0, 1_000_000).Draw(t, "total"), command.MaxPlayers,
			slices.Repeat([]Share{{Weight: 1}}, n))
		if slices.Max(parts)-slices.Min(parts) > 1 {
			t.Fatalf("equals got %v", parts)
		}
	})
}
