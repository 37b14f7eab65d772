package swarm

import (
	cmp2 "cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// folding is the obvious way to answer what Desired answers: keep every command and look through all of them.
type folding struct {
	seqs     []uint64
	commands []Command
	targets  []Target
	resets   []bool
}

func (f *folding) newest(id string, labels map[string]string) []Wanted {
	var out []Wanted
	taken := map[Slot]bool{}
	for i := len(f.seqs) - 1; i >= 0; i-- {
		slot := f.commands[i].Slot()
		if !taken[slot] && f.targets[i].Matches(id, labels) {
			taken[slot] = true
			out = append([]Wanted{{f.seqs[i], f.commands[i], f.resets[i]}}, out...)
		}
	}
	return out
}

func (f *folding) newestPlayers(t Target) uint64 {
	for i := len(f.seqs) - 1; i >= 0; i-- {
		if f.commands[i].Slot() == PlayersSlot && f.targets[i].Overlaps(t) {
			return f.seqs[i]
		}
	}
	return 0
}

func TestDesiredIsTheFoldOfAllCommands(t *testing.T) {
	ids := []string{"a", "b", "c"}
	targets := rapid.Custom(func(t *rapid.T) Target {
		return Target{
			DriverIDs: rapid.SliceOfNDistinct(rapid.SampledFrom(ids), 0, 2, rapid.ID).Draw(t, "ids"),
			Labels:    rapid.MapOfN(rapid.SampledFrom([]string{"region", "size"}), rapid.SampledFrom([]string{"eu", "us"}), 0, 2).Draw(t, "labels"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		var d Desired
		var model folding
		for seq := uint64(1); seq <= uint64(rapid.IntRange(1, 25).Draw(t, "commands")); seq++ {
			c := Command{Type: rapid.SampledFrom(CommandTypes()).Draw(t, "type")}
			if c.Type == SetPlayers {
				c.Players = int64(rapid.IntRange(0, 2).Draw(t, "players"))
			}
			target, reset := targets.Draw(t, "target"), rapid.IntRange(0, 9).Draw(t, "reset") == 0
			if reset {
				c, target = Command{Type: Stop}, Target{}
				d.Reset(seq)
			} else {
				d.Issue(Issue{Seq: seq, Command: c, Target: target})
			}
			model.seqs, model.commands = append(model.seqs, seq), append(model.commands, c)
			model.targets, model.resets = append(model.targets, target), append(model.resets, reset)
		}
		for _, id := range append(ids, "z") {
			labels := targets.Draw(t, "labels of the driver").Labels
			if diff := cmp.Diff(model.newest(id, labels), d.For(id, labels)); diff != "" {
				t.Fatalf("desired of %s %v (-want +got):\n%s", id, labels, diff)
			}
		}
		q := targets.Draw(t, "query")
		if d.NewestPlayers(q) != model.newestPlayers(q) {
			t.Fatalf("newest player command that concerns %v is %d, want %d", q, d.NewestPlayers(q), model.newestPlayers(q))
		}
		copied := d.Clone()
		loaded, rules := d.Loaded(q), d.Rules()
		d.Reset(1000)
		if want := model.loaded(q, append(ids, "z")); loaded != want || copied.Loaded(q) != want {
			t.Fatalf("load is desired of %v: %v, and of a copy: %v, want %v", q, loaded, copied.Loaded(q), want)
		}
		for _, id := range append(ids, "z") {
			for _, labels := range everyLabels() {
				if diff := cmp.Diff(model.newest(id, labels), newestOf(rules, id, labels)); diff != "" {
					t.Fatalf("rules for %s %v (-want +got):\n%s", id, labels, diff)
				}
			}
		}
	})
}

// loaded looks at every driver there could be.
func (f *folding) loaded(t Target, ids []string) bool {
	for _, id := range ids {
		for _, labels := range everyLabels() {
			for _, w := range f.newest(id, labels) {
				if t.Matches(id, labels) && w.Command.Type == SetPlayers && w.Command.Players > 0 {
					return true
				}
			}
		}
	}
	return false
}

// everyLabels are the sets of labels that a driver of the tests can have.
func everyLabels() (all []map[string]string) {
	for _, region := range []string{"", "eu", "us"} {
		for _, size := range []string{"", "eu", "us"} {
			labels := map[string]string{}
			if region != "" {
				labels["region"] = region
			}
			if size != "" {
				labels["size"] = size
			}
			all = append(all, labels)
		}
	}
	return all
}

// newestOf reads from rules what holds for one driver.
func newestOf(rules []Rule, id string, labels map[string]string) []Wanted {
	bySlot := map[Slot]Wanted{}
	for _, r := range rules { // in seq order
		if r.Target.Matches(id, labels) {
			bySlot[r.Command.Slot()] = r.Wanted
		}
	}
	var out []Wanted
	for _, w := range bySlot {
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b Wanted) int { return cmp2.Compare(a.Seq, b.Seq) })
	return out
}

func TestDesiredMemoryIsBoundedByTargetsNotCommands(t *testing.T) {
	var d Desired
	for seq := range uint64(10_000) {
		d.Issue(Issue{Seq: seq + 1, Command: Command{Type: SetPlayers}, Target: Target{DriverIDs: []string{"a"}}})
		d.Issue(Issue{Seq: seq + 2, Command: Command{Type: SetPlayers}, Target: Target{Labels: map[string]string{"region": "eu"}}})
	}
	if s := d.slots[PlayersSlot]; len(s.all)+len(s.byID["a"]) > 2 {
		t.Errorf("keeps %d and %d rules for two targets", len(s.all), len(s.byID["a"]))
	}
}

func TestDesiredRunning(t *testing.T) {
	var d Desired
	d.Issue(Issue{Seq: 1, Command: Command{Type: SetPlayers, Players: 5}, Target: Target{DriverIDs: []string{"a"}}})
	if !d.Running() {
		t.Error("load is desired of a")
	}
	d.Issue(Issue{Seq: 2, Command: Command{Type: SetSpawnDelay}, Target: Target{}})
	d.Reset(3)
	if d.Running() {
		t.Error("nothing runs after a reset")
	}
}

// TestNewestPlayersOfManyNamedDrivers: a condition on as many named drivers as a command may have is judged while every driver
// waits for the registry, so it must not take the square of their number.
func TestNewestPlayersOfManyNamedDrivers(t *testing.T) {
	ids := make([]string, MaxTargetIDs)
	for i := range ids {
		ids[i] = fmt.Sprintf("driver-%06d", i)
	}
	var d Desired
	d.Issue(Issue{Seq: 1, Command: Command{Type: SetPlayers}, Target: Target{DriverIDs: ids}})
	began := time.Now()
	if got := d.NewestPlayers(Target{DriverIDs: ids}); got != 1 {
		t.Errorf("got %d", got)
	}
	if took := time.Since(began); took > 300*time.Millisecond {
		t.Errorf("took %v", took)
	}
}
