package view

import "time"

// tally counts a swarm.
type tally struct {
	drivers     int
	by          [Lost + 1]int
	asked       int   // drivers something is asked of
	reset       int   // of those, the ones that only a reset asks, which is to run nothing
	target      int64 // players asked of all of them
	actual      int64 // players that drivers report whose state is known
	unconfirmed int64 // players that stale and lost drivers last reported
	unbidden    int64 // players that drivers report of which nothing is asked
	empty       int   // drivers on target that report no players
	worst       []int // indexes of drivers that are off target, the worst first
}

// tally counts w. What a stale or lost driver last reported is not counted as running: it may no longer be so.
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
		if a.Standing == Unasked {
			t.unbidden += d.Reported.Players
		}
	}
	for s := Lost; s > OnTarget; s-- {
		t.worst = append(t.worst, by[s]...)
	}
	return t
}

// memo keeps what every page needs of a World.
type memo struct {
	aims  []Aim
	tally tally
}

// Settled is w with its sums worked out; w must not change after that.
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

// stopping reports whether all that is asked is to run nothing.
func (t tally) stopping() bool { return t.asked > 0 && t.target == 0 && t.by[OutsideSplit] == 0 }

// idle reports whether nobody asks anything and nothing runs: a reset asks no more than that.
func (t tally) idle() bool {
	return t.asked == t.reset && t.by[Underway]+t.by[Behind]+t.by[Refused] == 0
}

// settled is how many drivers have nothing left to do.
func (t tally) settled() int { return t.by[Unasked] + t.by[OnTarget] + t.by[OutsideSplit] }

// off lists the drivers that are off target, without those outside the split: what is to be said of them is the same
// for all.
func (t tally) off() []int { return t.worst[:len(t.worst)-t.by[OutsideSplit]] }

// unknown is how many drivers there are of which it is not known what they do.
func (t tally) unknown() int { return t.by[Late] + t.by[Lost] }

// lacking is how many drivers are off target and not on their way.
func (t tally) lacking() int { return t.by[Behind] + t.by[Refused] + t.unknown() }
