package k6

import "time"

// batch is the minimum time between two changes: a spawn delay below it makes steps of several VUs.
const batch = 20 * time.Millisecond

// chunk is the most VUs that k6 may initialise in one step: meanwhile it accepts nothing else, not even a Stop.
const chunk = 25

// ramp computes how many VUs to set, and when the next change is due. It has no clock: the caller passes the time.
type ramp struct {
	now    int64 // VUs that k6 was set to
	max    int64 // VUs that k6 has initialised
	target int64
	delay  time.Duration
	last   time.Time // time of the last step, or when it was due
	urgent bool      // go to the target at once
	fresh  bool      // the target was just set: send at least one change, even if k6 is there already
}

// settled reports whether there is nothing to do.
func (r *ramp) settled() bool { return r.now == r.target && !r.fresh }

// due returns the time until the next step.
func (r *ramp) due(now time.Time) time.Duration {
	if r.urgent || r.delay == 0 {
		return 0
	}
	return max(0, r.last.Add(max(r.delay, batch)).Sub(now))
}

// next returns the VUs of the step that is due.
func (r *ramp) next(now time.Time) int64 {
	n := r.target
	if !r.urgent && r.delay > 0 {
		steps := int64(1)
		if late := now.Sub(r.last); late < r.rest() { // otherwise it was idle, and starts again
			steps = max(1, int64(late/r.delay))
		}
		n = r.now + min(max(r.target-r.now, -steps), steps)
	}
	return min(n, max(r.max, r.now)+chunk)
}

// rest returns how late a step may be so that its delay still counts from the previous step: k6 may answer slowly.
func (r *ramp) rest() time.Duration { return 5 * max(r.delay, batch) }

// stepApplied records that k6 has applied a step.
func (r *ramp) stepApplied(n int64, at time.Time) {
	r.last = r.last.Add(time.Duration(abs(n-r.now)) * r.delay)
	if at.Sub(r.last) > r.rest() || r.last.After(at) {
		r.last = at
	}
	r.now, r.max = n, max(r.max, n)
	if r.settled() {
		r.urgent = false
	}
}

func abs(n int64) int64 { return max(n, -n) }
