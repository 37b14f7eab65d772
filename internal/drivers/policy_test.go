package drivers

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// These tests test a policy alone, without a registry.

type fakeDrivers struct {
	are    map[string]presence
	joined []string
}

func (f fakeDrivers) presence(id string, _ time.Time) presence { return f.are[id] }
func (f fakeDrivers) outside(seq uint64, _ time.Time) []string { return f.joined }
func (f fakeDrivers) asks(when Resplit, parts map[string]int64) (out []resplit) {
	p := newResplits(when)
	return p.due(time.Unix(100, 0), map[uint64]map[string]int64{7: parts}, f)
}

func TestWhenATotalIsSplitAgain(t *testing.T) {
	parts := map[string]int64{"a": 10, "b": 10, "idle": 0}
	for name, c := range map[string]struct {
		when    Resplit
		drivers fakeDrivers
		change  string
		ids     []string
	}{
		"all there": {ResplitOnChange, fakeDrivers{}, "", nil},
		"one lost": {ResplitOnLoss, fakeDrivers{are: map[string]presence{"b": lostForGood}},
			"lost", []string{"b"}},
		"one lost that has no part": {ResplitOnLoss, fakeDrivers{are: map[string]presence{"idle": lostForGood}}, "",
			nil},
		"one lost, one may run on": {
			ResplitOnLoss, fakeDrivers{are: map[string]presence{"a": lostLately, "b": lostForGood}}, "", nil,
		},
		"one lost, one hung": {ResplitOnLoss, fakeDrivers{are: map[string]presence{"a": hung, "b": lostForGood}},
			"", nil},
		"one came, on loss":   {ResplitOnLoss, fakeDrivers{joined: []string{"c"}}, "", nil},
		"one came, on change": {ResplitOnChange, fakeDrivers{joined: []string{"c"}}, "joined", []string{"c"}},
		"one came, one was lost": {ResplitOnChange,
			fakeDrivers{are: map[string]presence{"a": lostForGood}, joined: []string{"c"}}, "lost", []string{"a"}},
	} {
		got := c.drivers.asks(c.when, parts)
		if c.change == "" {
			if len(got) != 0 {
				t.Errorf("%s: asked for %+v", name, got)
			}
		} else if want := []resplit{{7, c.change, c.ids}}; !cmp.Equal(got, want, cmp.AllowUnexported(resplit{})) {
			t.Errorf("%s: got %+v, want %+v", name, got, want)
		}
	}
}

// TestATotalIsLeftAloneForAWhile: the wait grows with each request without effect, and a new split inherits it.
func TestATotalIsLeftAloneForAWhile(t *testing.T) {
	p := newResplits(ResplitOnLoss)
	d := fakeDrivers{are: map[string]presence{"a": lostForGood}}
	splits := map[uint64]map[string]int64{7: {"a": 1}}
	now := time.Unix(100, 0)
	if got := p.due(now, splits, d); len(got) != 1 {
		t.Fatalf("at first: %+v", got)
	}
	for _, wait := range []time.Duration{resplitAgain, 2 * resplitAgain, 4 * resplitAgain} {
		if got := p.due(now.Add(wait-1), splits, d); len(got) != 0 {
			t.Errorf("asked for before %v have passed", wait)
		}
		now = now.Add(wait)
		if got := p.due(now, splits, d); len(got) != 1 {
			t.Errorf("not asked for after %v", wait)
		}
	}
	p.carryOver(swarm.Issue{Seq: 8, Command: swarm.Command{Total: true}, Condition: &swarm.Condition{IfSeq: 7}})
	splits = map[uint64]map[string]int64{8: {"a": 1}}
	if got := p.due(now.Add(resplitAgain-1), splits, d); len(got) != 0 {
		t.Errorf("what it was split into is split again at once: %+v", got)
	}
	if got := p.due(now.Add(resplitAgain), splits, d); len(got) != 1 || p.asked[8].tries != 1 {
		t.Errorf("after a while: %+v, %+v", got, p.asked)
	}
}

type load bool

func (l load) Running() bool { return bool(l) }

func TestWhenLoadIsReset(t *testing.T) {
	began := time.Unix(100, 0)
	e := empty{after: time.Minute, since: began}
	at := began.Add(time.Minute)
	for name, c := range map[string]struct {
		at   time.Time
		open int
		load load
		want string
	}{
		"too soon":         {at.Add(-1), 0, true, ""},
		"drivers":          {at, 1, true, ""},
		"nothing to reset": {at, 0, false, ""},
		"due":              {at, 0, true, "no driver was connected for 1m0s"},
	} {
		e := e
		if got := e.check(c.at, c.open, c.load); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if got := e.last(at, false, load(true)); got != "" {
		t.Errorf("the last is lost: %q", got)
	}
	if got := e.check(at.Add(time.Minute-1), 0, load(true)); got != "" {
		t.Errorf("soon after the last is lost: %q", got)
	}
	if got := e.last(at, true, load(false)); got != "" {
		t.Errorf("the last deregistered, and no load is desired: %q", got)
	}
	if got := e.last(at, true, load(true)); got != "the last driver deregistered" {
		t.Errorf("the last deregistered: %q", got)
	}
}

func TestLeasesAreRenewedOftenEnough(t *testing.T) {
	l := &leases{ttl: time.Minute}
	for _, c := range []struct{ wanted, told, since time.Duration }{
		{time.Second, time.Second, 11 * time.Second}, {12 * time.Second, 12 * time.Second, 0},
		{time.Hour, 12 * time.Second, 0},
	} {
		l.setInterval(c.wanted)
		if l.every() != c.told || !l.due(c.since) || c.since > 0 && l.due(c.since-1) {
			t.Errorf("%v: told %v; an answer is due after %v: %v", c.wanted, l.every(), c.since, l.due(c.since))
		}
	}
}
