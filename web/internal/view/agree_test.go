package view_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest/webtest"
	"github.com/swarmcall/swarmcall/web/internal/view"
	"github.com/swarmcall/swarmcall/web/internal/viewtest"
)

// kindOf translates a badge of the pages into the terms of GET /state.
func kindOf(badge view.Badge) swarm.DriftKind {
	switch badge.Word {
	case "on target", "no target", "outside the split":
		return swarm.DriftConverged
	case "unknown":
		return swarm.DriftUnknown
	default:
		return swarm.DriftDrifting
	}
}

// randomWorld has up to eight drivers in every state, with reports that match the desired state or do not, and commands
// of every kind.
func randomWorld(r *rand.Rand) view.World {
	w := view.World{Now: webtest.Now}
	commands := []swarm.Command{
		{Type: command.SetPlayers, Value: 5}, {Type: command.Stop}, {Type: command.SetSpawnDelay, Value: 20},
		{Type: command.SetPlayers},
	}
	for seq := uint64(1 + r.IntN(4)); seq > 0; seq-- {
		e := webtest.Entry(seq, commands[r.IntN(len(commands))], time.Millisecond, swarm.Verdict{Kind: swarm.Acked})
		if r.IntN(3) == 0 {
			e.Closed = nil
		}
		w.Recent = append(w.Recent, e)
	}
	for i := range r.IntN(9) {
		d := is(fmt.Sprintf("d-%d", i), swarm.DriverStates()[r.IntN(3)], []int64{0, 0, 5, 7}[r.IntN(4)],
			uint64(r.IntN(6)))
		d.Reported.SpawnDelayMS = []int64{0, 20}[r.IntN(2)]
		w.Drivers = append(w.Drivers, d)
	}
	w = viewtest.Compare(w)
	for id, d := range w.Drifts {
		if r.IntN(4) == 0 && d.Kind() == swarm.DriftConverged {
			d.OutsideSplit = true
			w.Drifts[id] = d
		}
	}
	return w.Settled()
}

// TestPagesAgreeWithState compares what every page says of each driver, and counts, with the server's answer. Players
// of drivers with unknown load are never counted as running.
func TestPagesAgreeWithState(t *testing.T) {
	for seed := range uint64(2000) {
		w := randomWorld(rand.New(rand.NewPCG(seed, 1)))
		n := map[swarm.DriftKind]int{}
		var running int64
		for _, d := range w.Drivers {
			kind := w.Drifts[d.ID].Kind()
			n[kind]++
			if kind != swarm.DriftUnknown {
				running += d.Reported.Players
			}
			page, _ := view.NewDriver(w, d.ID)
			if kindOf(page.Standing) != kind ||
				strings.HasPrefix(page.Facts[0].Value, "unknown") != (kind == swarm.DriftUnknown) {
				t.Fatalf("seed %d: the page of %s says %v, %v; the server says %s", seed, d.ID, page.Standing,
					page.Facts[0], kind)
			}
		}
		for _, row := range view.NewDrivers(w, view.ReadDriverFilter(url.Values{}), "").Rows {
			if kind := w.Drifts[row.ID].Kind(); kindOf(row.Standing) != kind ||
				(row.Actual == "–") != (kind == swarm.DriftUnknown) {
				t.Fatalf("seed %d: the list says of %s %v, %s players; the server says %s", seed, row.ID,
					row.Standing, row.Actual, kind)
			}
		}
		o := view.NewOverview(w, "")
		for _, row := range o.Worst {
			if kind := w.Drifts[row.ID].Kind(); kindOf(row.Does) != kind ||
				(row.Actual == "–") != (kind == swarm.DriftUnknown) {
				t.Fatalf("seed %d: the overview says of %s %v, %s players; the server says %s", seed, row.ID,
					row.Does, row.Actual, kind)
			}
		}
		if o.Headline.Tone == view.OK && n[swarm.DriftConverged] != len(w.Drivers) {
			t.Fatalf("seed %d: the headline is green: %+v; the server says %v", seed, o.Headline, n)
		}
		if w.Sum().Actual != running || view.NewStrip(w).Actual != view.Count(running) {
			t.Fatalf("seed %d: the chart has %d players, the strip %s; %d are known", seed, w.Sum().Actual,
				view.NewStrip(w).Actual, running)
		}
		if says := o.Headline.Says; n[swarm.DriftUnknown] > 0 &&
			!strings.Contains(says, fmt.Sprintf("%d unknown", n[swarm.DriftUnknown])) {
			t.Fatalf("seed %d: the headline says %q; the server says %v", seed, says, n)
		}
	}
}

// TestSpawnDelayIsPartOfTheTarget: a driver with another spawn delay drifts, though its players are right.
func TestSpawnDelayIsPartOfTheTarget(t *testing.T) {
	d := is("a", swarm.Active, 5, 9)
	w := asked(5, d)
	w.Drifts["a"] = webtest.Drift(d, []swarm.Wanted{
		{Seq: 7, Command: swarm.Command{Type: command.SetPlayers, Value: 5}},
		{Seq: 9, Command: swarm.Command{Type: command.SetSpawnDelay, Value: 20}},
	})
	w.Recent[0].Seq = 9
	h := view.NewStrip(w.Settled()).Headline
	if h.Tone != view.Busy || h.Word != "Changing" ||
		!strings.Contains(h.Detail, "a has a spawn delay of 0 ms, not 20 ms") {
		t.Errorf("%+v", h)
	}
}

// TestOutsideSplit: drivers that joined after the split are on target with 0 players, but the headline is not green.
func TestOutsideSplit(t *testing.T) {
	w := asked(5, is("a", swarm.Active, 5, 7), is("b", swarm.Active, 0, 7), is("c", swarm.Active, 0, 7))
	for _, id := range []string{"b", "c"} {
		d := w.Drifts[id]
		d.Desired[0].Command.Value = 0
		d = webtest.Compared(d)
		d.OutsideSplit = true
		w.Drifts[id] = d
	}
	w = w.Settled()
	const says = "outside the split: 0 players until the total is split again"
	const why = "runs 0 players until the total is split again"
	h := view.NewStrip(w).Headline
	if h.Tone != view.Warn || h.Word != "On target" ||
		h.Says != "1 of 3 drivers run 5 of 5 players. 2 drivers "+says+"." || h.Detail != "" {
		t.Errorf("%+v", h)
	}
	for _, row := range view.NewOverview(w, "").Worst[:2] {
		if row.Does.Word != "outside the split" || row.Why != why {
			t.Errorf("%+v", row)
		}
	}
	for _, row := range view.NewDrivers(w, view.ReadDriverFilter(nil), "").Rows[:2] {
		if row.Standing.Word != "outside the split" || row.Standing.Tone != view.Warn {
			t.Errorf("%+v", row)
		}
	}
	if d, _ := view.NewDriver(w, "c"); d.Tone != view.Warn || d.Why != why {
		t.Errorf("%+v", d)
	}
	// When no driver with a share is left, nothing runs, but this is not a Stop.
	lonely := w
	lonely.Drivers = w.Drivers[1:]
	if h := view.NewStrip(lonely.Settled()).Headline; h.Tone != view.Warn || h.Word == "Stopped" ||
		!strings.Contains(h.Says, says) {
		t.Errorf("%+v", h)
	}
}

// TestSparkHasNoLineAcrossTheUnknown: no line is drawn while the load of a driver is unknown.
func TestSparkHasNoLineAcrossTheUnknown(t *testing.T) {
	w := asked(5, is("a", swarm.Active, 5, 7))
	for path, values := range map[string][]int64{
		"M0 1L30 1":                 {5, 5, 5, view.Unknown, view.Unknown},
		"M0 1L15 1M45 1L60 1":       {5, 5, view.Unknown, 5, 5},
		"M15 1L60 1":                {view.Unknown, 5, 5, 5, 5},
		"M0 15L20 10.3L40 5.7L60 1": {0, 1, 2, 3},
	} {
		w.Sparks = func(string) []int64 { return values }
		if d, _ := view.NewDriver(w, "a"); d.Spark != path {
			t.Errorf("%v: %s, want %s", values, d.Spark, path)
		}
	}
}
