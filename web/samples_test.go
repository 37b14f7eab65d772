package web

import (
	"slices"
	"testing"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

func at(s float64) time.Time { return noon.Add(time.Duration(s * float64(time.Second))) }

// gaps lists the samples, in seconds after noon, that come after a gap.
func gaps(s samples) (out []float64) {
	for _, p := range s.all {
		if p.Gap {
			out = append(out, p.At.Sub(noon).Seconds())
		}
	}
	return out
}

// TestPausesAreGaps: time in which the server did not run, or was paused, is a gap, however short. A server that is
// only slow, because its swarm is large, has no gaps.
func TestPausesAreGaps(t *testing.T) {
	for name, tc := range map[string]struct {
		past, taken []float64
		want        []float64
	}{
		"a steady server":        {nil, []float64{0, 1, 2, 3, 5, 6}, nil},
		"a pause":                {nil, []float64{0, 1, 2, 8, 9}, []float64{8}},
		"two pauses":             {nil, []float64{0, 1, 6, 11, 12}, []float64{6, 11}},
		"a large swarm":          {nil, []float64{0, 3, 6, 9, 14, 20}, nil},
		"a short restart":        {[]float64{0, 1}, []float64{2.5, 3.5}, []float64{2.5}},
		"a long restart":         {[]float64{0, 1}, []float64{1800, 1801}, []float64{1800}},
		"an earlier gap is kept": {[]float64{0, 1}, []float64{5}, []float64{5}},
		"nothing before":         {nil, []float64{7}, nil},
	} {
		var s samples
		var past []view.Sample
		for _, p := range tc.past {
			past = append(past, view.Sample{At: at(p)})
		}
		s.restore(past, at(slices.Max(append([]float64{0}, tc.taken...))))
		for i, p := range tc.taken {
			s.add(view.Sample{At: at(p)}, i == 0)
		}
		if got := gaps(s); !slices.Equal(got, tc.want) {
			t.Errorf("%s: gaps at %v, want %v", name, got, tc.want)
		}
	}
}

// TestAnHourIsKept: the last ten minutes of it in seconds; a change of the target is never thinned out.
func TestAnHourIsKept(t *testing.T) {
	var s samples
	for i := range 2 * 3600 {
		target := int64(0)
		if i >= 4000 && i < 4002 {
			target = 9
		}
		s.add(view.Sample{At: at(float64(i)), Target: target}, i == 0)
	}
	last := s.all[len(s.all)-1].At
	fine := slices.IndexFunc(s.all, func(p view.Sample) bool { return last.Sub(p.At) <= fineFor })
	if first := last.Sub(s.all[0].At); first > keptFor || first < keptFor-coarseEvery {
		t.Errorf("the first is %v old", first)
	}
	if n := len(s.all) - fine; n != 601 {
		t.Errorf("%d samples of the last ten minutes", n)
	}
	if fine < 590 || fine > 620 {
		t.Errorf("%d samples of before", fine)
	}
	changes := 0
	for i := 1; i < len(s.all); i++ {
		if s.all[i].Target != s.all[i-1].Target {
			changes++
		}
	}
	if changes != 2 ||
		s.all[slices.IndexFunc(s.all, func(p view.Sample) bool { return p.Target == 9 })].At != at(4000) {
		t.Errorf("%d changes of the target are left of 2", changes)
	}
}

// TestClockIsSetBack: samples in the future are dropped, and the chart continues.
func TestClockIsSetBack(t *testing.T) {
	var s samples
	s.restore([]view.Sample{{At: at(0)}, {At: at(5000)}, {At: at(3)}, {At: at(2)}}, at(10))
	if len(s.all) != 2 {
		t.Errorf("restored %v", s.all)
	}
	s.add(view.Sample{At: at(11)}, true)
	if !s.due(at(4)) {
		t.Error("no sample is due until the clock is where it was")
	}
	s.add(view.Sample{At: at(4)}, false)
	if n := len(s.all); n != 3 || !s.all[2].At.Equal(at(4)) {
		t.Errorf("%v", s.all)
	}
}

// TestSparksKnowWhatIsUnknown: there is no line while a driver is stale or the server is paused.
func TestSparksKnowWhatIsUnknown(t *testing.T) {
	h := newHistory(nil)
	see := func(s float64, state swarm.DriverState) {
		d := swarm.Driver{ID: "d-1", State: state, Reported: swarm.Report{Players: 5}}
		w := view.World{Now: at(s), Drivers: []swarm.Driver{d},
			Drifts: map[string]swarm.Drift{"d-1": {DriverID: "d-1", State: state}}}
		h.observe(w.Settled())
	}
	see(0, swarm.Active)
	see(5, swarm.Stale)
	see(10, swarm.Disconnected)
	see(15, swarm.Active)
	see(60, swarm.Active)
	want := []int64{5, view.Unknown, view.Unknown, 5, view.Unknown, 5}
	if got := h.spark("d-1"); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
