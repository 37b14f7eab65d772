package view

import "time"

// tally counts a swarm.
type tally struct {
	drivers     int
	by          [Lost + 1]int
	asked       int   // drivers that have a target
	reset       int   // of those, the ones whose target (0) comes from a reset
	target      int64 // sum of their targets
	actual      int64 // players reported by drivers whose load is known
	unconfirmed int64 // players that stale and lost drivers last reported
	untargeted  int64 // players reported by drivers without a target
	empty       int   // drivers on target that report no players
	worst       []int // indexes of drivers that are off target, worst first
}

// tally counts w. The last report of a stale or lost driver does not count as running: it may be out of date.
func (w World) tally() tally { return w.memo.tally }

func (w World) count(aims []Aim) tally {
	t := tally{drivers: len(w.Drivers)}
	var by [Lost + 1][]int
	for i, a := range aims {
		d := w.Drivers[i]
		t.by[a.Standing]++
		by[a.Standing] = append(by[a.Standing], i)
		if a.Asked {
			t.asked++
			if a.Reset {
				t.reset++
			}
			t.target += a.Target
		}
		if !a.Standing.known() {
			t.unconfirmed += d.Reported.Players
			continue
		}
		t.actual += d.Reported.Players
		if d.Reported.Players == 0 && a.Standing <= OutsideSplit {
			t.empty++
		}
		if a.Standing == NoTarget {
			t.untargeted += d.Reported.Players
		}
	}
	for s := Lost; s > OnTarget; s-- {
		t.worst = append(t.worst, by[s]...)
	}
	return t
}

// memo has the computed values of a World that every page needs.
type memo struct {
	aims  []Aim
	tally tally
}

// Settled returns w with its sums computed; w must not change after that.
func (w World) Settled() World {
	aims := make([]Aim, len(w.Drivers))
	for i, d := range w.Drivers {
		aims[i] = w.aim(d)
	}
	w.memo = &memo{aims: aims, tally: w.count(aims)}
	return w
}

// Sum is the point of the players chart for w.
func (w World) Sum() Sample {
	t := w.tally()
	return Sample{At: w.Now.Truncate(time.Millisecond), Target: t.target, Actual: t.actual}
}

// stopping reports whether the only target is to run nothing.
func (t tally) stopping() bool { return t.asked > 0 && t.target == 0 && t.by[OutsideSplit] == 0 }

// idle reports whether there is no target and nothing runs. A reset counts as no target.
func (t tally) idle() bool {
	return t.asked == t.reset && t.by[Underway]+t.by[Behind]+t.by[Refused] == 0
}

// settled is how many drivers have reached their target or have none.
func (t tally) settled() int { return t.by[NoTarget] + t.by[OnTarget] + t.by[OutsideSplit] }

// off lists the drivers that are off target, without those outside the split: these share one sentence.
func (t tally) off() []int { return t.worst[:len(t.worst)-t.by[OutsideSplit]] }

// unknown is the number of drivers whose load is unknown.
func (t tally) unknown() int { return t.by[Late] + t.by[Lost] }

// lacking is how many drivers are off target and not changing.
func (t tally) lacking() int { return t.by[Behind] + t.by[Refused] + t.unknown() }
