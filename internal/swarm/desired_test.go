package swarm

import (
	cmp2 "cmp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/swarmcall/swarmcall/command"
	"pgregory.net/rapid"
)

// folding is the obvious implementation of Desired: keep every command and examine all of them, in order.
type folding struct{ kept []kept }

type kept struct {
	Wanted
	place     uint64
	submitter string
	condition *Condition
	target    Target
	targets   []string
	gone      bool // it holds for no driver any more; its fixed targets still count
}

func (f *folding) newest(id string, labels map[string]string) []Wanted {
	holds := map[command.Slot]*kept{}
	for i := range f.kept {
		k := &f.kept[i]
		if k.gone || !k.target.Matches(id, labels) {
			continue
		}
		slot := k.Command.Slot()
		old := holds[slot]
		if slot == command.LoadSlot && k.condition != nil && old != nil && old.submitter != k.submitter &&
			old.place > k.condition.Base {
			continue
		}
		holds[slot] = k
	}
	var out []Wanted
	for _, k := range holds {
		out = append(out, k.Wanted)
	}
	slices.SortFunc(out, func(a, b Wanted) int { return cmp2.Compare(a.Seq, b.Seq) })
	return out
}

func (f *folding) newestLoad(id string, labels map[string]string) (newest uint64) {
	for _, k := range f.kept {
		matches := !k.gone && k.target.Matches(id, labels)
		if k.Command.Slot() == command.LoadSlot && (matches || slices.Contains(k.targets, id)) {
			newest = k.place
		}
	}
	return newest
}

// base returns the base of a conditional command.
func (f *folding) base(ifSeq uint64, submitter string) uint64 {
	for _, k := range f.kept {
		if k.Seq == ifSeq && k.submitter == submitter && k.condition != nil {
			return k.condition.Base
		}
	}
	return ifSeq
}

// expire replaces a load command by a Stop in the same place, for the drivers that the record names. It drops a command
// that is such a Stop already. d is the fold after the same record.
func (f *folding) expire(seq uint64, e *Expired, d *Desired) {
	i := slices.IndexFunc(f.kept, func(k kept) bool { return k.Seq == e.Replaced })
	if k := &f.kept[i]; !k.Reset {
		k.Wanted, k.target = Wanted{Seq: seq, Command: Command{Type: command.Stop}, Reset: true}, e.Target
		return
	}
	f.kept[i].gone = true
	f.dropReplaced(f.kept[:i], e.Target, d)
}

// dropReplaced drops the older commands that a dropped command had replaced, because they do not return. A conditional
// command may have yielded to some of them, so the fold d decides which still exist, and for which drivers.
func (f *folding) dropReplaced(older []kept, target Target, d *Desired) {
	has := map[uint64]Target{}
	for _, r := range d.Idle(func(Target) bool { return false }, always) {
		has[r.Seq] = r.Target
	}
	for i := range older {
		k := &older[i]
		still, found := has[k.Seq]
		switch {
		case k.Command.Slot() != command.LoadSlot || !k.target.Overlaps(target):
		case !found:
			k.gone = true
		case len(k.target.DriverIDs) > 0:
			k.target.DriverIDs = slices.DeleteFunc(slices.Clone(k.target.DriverIDs), func(id string) bool {
				return slices.Contains(target.DriverIDs, id) && !slices.Contains(still.DriverIDs, id)
			})
		}
	}
}

func always(uint64) bool { return true }

var foldIDs = []string{"a", "b", "c"}

var foldTargets = rapid.Custom(func(t *rapid.T) Target {
	return Target{
		DriverIDs: rapid.SliceOfNDistinct(rapid.SampledFrom(foldIDs), 0, 2, rapid.ID).Draw(t, "ids"),
		Labels: rapid.MapOfN(rapid.SampledFrom([]string{"region", "size"}), rapid.SampledFrom([]string{"eu", "us"}),
			0, 2).Draw(t, "labels"),
	}
})

// drawCommand folds one command into d and the model. A chain refers to earlier entries, as plans do.
func drawCommand(t *rapid.T, d *Desired, model *folding, seq uint64, conditional bool) {
	k := kept{Wanted: Wanted{Seq: seq, Command: Command{Type: rapid.SampledFrom(command.Types()).Draw(t, "type")}},
		place: seq}
	k.submitter = rapid.SampledFrom([]string{"alice", "bob"}).Draw(t, "submitter")
	if k.Command.Type == command.SetPlayers {
		k.Command.Value = int64(rapid.IntRange(0, 2).Draw(t, "players"))
	}
	k.target = foldTargets.Draw(t, "target")
	k.targets = rapid.SliceOfNDistinct(rapid.SampledFrom(foldIDs), 0, 2, rapid.ID).Draw(t, "fixed targets")
	slices.Sort(k.targets)
	if conditional && rapid.IntRange(0, 3).Draw(t, "conditional") > 0 {
		ifSeq := uint64(rapid.IntRange(0, int(seq)-1).Draw(t, "if_seq"))
		k.condition = &Condition{IfSeq: ifSeq, Base: model.base(ifSeq, k.submitter)}
		if k.Command.Type == command.SetSpawnDelay {
			k.condition = nil
		}
	}
	d.Issue(Issue{
		Seq: seq, Submitter: k.submitter, Command: k.Command, Target: k.target, Targets: k.targets,
		Condition: k.condition,
	})
	model.kept = append(model.kept, k)
}

func drawFold(t *rapid.T, conditional bool) (d *Desired, model *folding) {
	d, model = &Desired{}, &folding{}
	commands := uint64(rapid.IntRange(1, 30).Draw(t, "commands"))
	for seq := uint64(1); seq <= commands; seq++ {
		switch rapid.IntRange(0, 11).Draw(t, "what") {
		case 0:
			d.Reset(seq)
			model.kept = append(model.kept,
				kept{Wanted: Wanted{Seq: seq, Command: Command{Type: command.Stop}, Reset: true}, place: seq})
		case 1:
			var loads []Rule
			for _, r := range d.Idle(func(Target) bool { return false }, always) {
				if r.Load || r.Shields && len(r.Target.DriverIDs)+len(r.Target.Labels) > 0 { // see drivers.idle
					loads = append(loads, Rule{Wanted: Wanted{Seq: r.Seq}, Target: r.Target})
				}
			}
			if len(loads) == 0 {
				continue
			}
			r := rapid.SampledFrom(loads).Draw(t, "expires")
			e := &Expired{Replaced: r.Seq, Target: r.Target}
			d.Expire(seq, e)
			model.expire(seq, e, d)
		default:
			drawCommand(t, d, model, seq, conditional)
		}
	}
	return d, model
}

// checkFold compares what holds for every possible driver.
func checkFold(t *rapid.T, d *Desired, model *folding) {
	for _, id := range append(foldIDs, "z") {
		for _, labels := range everyLabels() {
			if diff := cmp.Diff(model.newest(id, labels), d.For(id, labels)); diff != "" {
				t.Fatalf("desired of %s %v (-want +got):\n%s", id, labels, diff)
			}
			if s := &d.slots[command.LoadSlot]; newestOf(s.lookUp(labels), s.byID[id], labels) != s.newest(id, labels) {
				t.Fatalf("what is looked up for %s %v is not what holds", id, labels)
			}
			if got, want := d.NewestLoad(id, labels), model.newestLoad(id, labels); got != want {
				t.Fatalf("newest load command of %s %v is %d, want %d", id, labels, got, want)
			}
		}
	}
}

// TestDesiredIsTheFoldOfAllCommands compares the fold, which drops irrelevant rules, with one that keeps everything,
// including conditional commands in chains, expired ones and resets.
func TestDesiredIsTheFoldOfAllCommands(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, model := drawFold(t, true)
		checkFold(t, d, model)
		checkFold(t, d.Clone().withFixed(d), model)
		q := foldTargets.Draw(t, "query")
		if model.loaded(q, append(foldIDs, "z")) && !d.Loaded(q) {
			t.Fatalf("load is desired of %v, but the fold does not report it", q)
		}
	})
}

func (d *Desired) withFixed(of *Desired) *Desired {
	d.fixed = of.fixed
	return d
}

// TestRulesMatchTheFold: if no command is conditional, the newest rule that matches is the one that holds.
func TestRulesMatchTheFold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, model := drawFold(t, false)
		q := foldTargets.Draw(t, "query")
		if want := model.loaded(q, append(foldIDs, "z")); d.Loaded(q) != want {
			t.Fatalf("load is desired of %v: %v, want %v", q, d.Loaded(q), want)
		}
		rules := d.Rules()
		for _, id := range append(foldIDs, "z") {
			for _, labels := range everyLabels() {
				if diff := cmp.Diff(model.newest(id, labels), newestRules(rules, model, id, labels)); diff != "" {
					t.Fatalf("rules for %s %v (-want +got):\n%s", id, labels, diff)
				}
			}
		}
	})
}

// TestForgettingKeepsWhatMatters: dropping the idle rules that are not needed never gives a driver load that the fold
// kept away before.
func TestForgettingKeepsWhatMatters(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, model := drawFold(t, true)
		for _, r := range d.Idle(func(Target) bool { return false }, always) {
			if !r.Load && !r.Needed && !r.Shields {
				d.Forget(r.Seq)
			}
		}
		for _, id := range append(foldIDs, "z") {
			for _, labels := range everyLabels() {
				if want, got := loadOf(model.newest(id, labels)), loadOf(d.For(id, labels)); got != want && got != 0 {
					t.Fatalf("%s %v receives %d players, and received %d before", id, labels, got, want)
				}
			}
		}
	})
}

func loadOf(wanted []Wanted) int64 {
	for _, w := range wanted {
		if w.Command.Type == command.SetPlayers {
			return w.Command.Value
		}
	}
	return 0
}

// loaded examines every possible driver.
func (f *folding) loaded(t Target, ids []string) bool {
	for _, id := range ids {
		for _, labels := range everyLabels() {
			for _, w := range f.newest(id, labels) {
				if t.Matches(id, labels) && w.Command.Type == command.SetPlayers && w.Command.Value > 0 {
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

// newestRules finds what holds for one driver in a list of rules.
func newestRules(rules []Rule, model *folding, id string, labels map[string]string) []Wanted {
	bySlot, places := map[command.Slot]Wanted{}, map[command.Slot]uint64{}
	for _, r := range rules {
		slot := r.Command.Slot()
		if place := model.placeOf(r.Seq); r.Target.Matches(id, labels) && place > places[slot] {
			bySlot[slot], places[slot] = r.Wanted, place
		}
	}
	var out []Wanted
	for _, w := range bySlot {
		out = append(out, w)
	}
	slices.SortFunc(out, func(a, b Wanted) int { return cmp2.Compare(a.Seq, b.Seq) })
	return out
}

func (f *folding) placeOf(seq uint64) uint64 {
	for _, k := range f.kept {
		if k.Seq == seq {
			return k.place
		}
	}
	return 0
}

func TestDesiredMemoryIsBoundedByTargetsNotCommands(t *testing.T) {
	var d Desired
	for seq := range uint64(10_000) {
		d.Issue(Issue{Seq: seq + 1, Command: Command{Type: command.SetPlayers},
			Target: Target{DriverIDs: []string{"a"}}})
		d.Issue(Issue{Seq: seq + 2, Command: Command{Type: command.SetPlayers},
			Target: Target{Labels: map[string]string{"region": "eu"}}})
	}
	if s := d.slots[command.LoadSlot]; len(s.all)+len(s.byID["a"]) > 2 {
		t.Errorf("keeps %d and %d rules for two targets", len(s.all), len(s.byID["a"]))
	}
}

func TestDesiredRunning(t *testing.T) {
	var d Desired
	d.Issue(Issue{Seq: 1, Command: Command{Type: command.SetPlayers, Value: 5},
		Target: Target{DriverIDs: []string{"a"}}})
	if !d.Running() {
		t.Error("load is desired of a")
	}
	d.Issue(Issue{Seq: 2, Command: Command{Type: command.SetSpawnDelay}, Target: Target{}})
	d.Reset(3)
	if d.Running() {
		t.Error("nothing runs after a reset")
	}
}

// TestTwoRampsOfOneTargetEach: the conditional commands of two teams alternate, on separate drivers. Each step is also
// decided against the other team's, for a driver that could have both labels, yet memory does not grow with the steps.
func TestTwoRampsOfOneTargetEach(t *testing.T) {
	var d Desired
	d.Reset(1)
	for step := range uint64(10_000) {
		for i, who := range []string{"eu", "b"} {
			seq := 2 + 2*step + uint64(i)
			d.Issue(Issue{
				Seq: seq, Submitter: who, Command: Command{Type: command.SetPlayers, Value: int64(step)},
				Target:    Target{Labels: map[string]string{who: "x"}},
				Condition: &Condition{IfSeq: max(seq-2, 1), Base: 1},
			})
		}
	}
	if n := len(d.slots[command.LoadSlot].all); n > 5 {
		t.Errorf("keeps %d rules for two targets and a reset", n)
	}
	both := map[string]string{"eu": "x", "b": "x"}
	if got := d.For("late", both); len(got) != 1 || got[0].Seq != 2+2*9_999 {
		t.Errorf("a driver with both labels receives %+v, want the newest step of the run that was there first", got)
	}
	if rules := d.Rules(); len(rules) != 3 {
		t.Errorf("shows %+v", rules)
	}
}

// TestRunsOneAfterTheOther: each is a chain of its own, whose last command is a conditional Stop, as plans send them.
func TestRunsOneAfterTheOther(t *testing.T) {
	var d Desired
	seq := uint64(1)
	d.Reset(seq)
	for range 500 {
		base := seq
		for _, c := range []Command{{Type: command.SetPlayers, Value: 10}, {Type: command.SetPlayers, Value: 20},
			{Type: command.Stop}} {
			seq++
			d.Issue(Issue{
				Seq: seq, Submitter: "ci", Command: c, Target: Target{Labels: map[string]string{"region": "eu"}},
				Condition: &Condition{IfSeq: seq - 1, Base: base},
			})
		}
	}
	if s := &d.slots[command.LoadSlot]; len(s.all) > 3 || len(s.chains) > 2 {
		t.Errorf("keeps %d rules of %d chains for one target and a reset", len(s.all), len(s.chains))
	}
}

// TestManyRulesForOneDriver: rules of other labels cost a driver nothing, and the fold gives the same result with few
// rules as with many.
func TestManyRulesForOneDriver(t *testing.T) {
	var few, many Desired
	for i := range uint64(1000) {
		issue := Issue{
			Seq: i + 1, Submitter: "ci", Command: Command{Type: command.SetPlayers, Value: int64(i)},
			Target: Target{Labels: map[string]string{"pod": string(rune('a' + i%7)), "n": string(rune('a' + i/7%50))}},
		}
		many.Issue(issue)
		if issue.Target.Matches("d", map[string]string{"pod": "c", "n": "d", "x": "y"}) {
			few.Issue(issue)
		}
	}
	labels := map[string]string{"pod": "c", "n": "d", "x": "y"}
	if diff := cmp.Diff(few.For("d", labels), many.For("d", labels)); diff != "" ||
		few.NewestLoad("d", labels) != many.NewestLoad("d", labels) {
		t.Errorf("-few +many:\n%s", diff)
	}
}
