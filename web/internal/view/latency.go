package view

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// answers returns the latencies of the targets that answered, and how many targets were expected to answer. Superseded
// targets are not included, because nothing was sent to them.
func answers(e swarm.Entry) (all []time.Duration, expected int) {
	if e.Closed == nil {
		return nil, 0
	}
	all = make([]time.Duration, 0, len(e.Closed.Verdicts))
	for _, v := range e.Closed.Verdicts {
		if v.Kind == swarm.Acked || v.Kind == swarm.Rejected {
			all = append(all, v.Latency)
		}
		if v.Kind != swarm.Superseded {
			expected++
		}
	}
	return all, expected
}

// percentile is the latency within which p percent of the targets answered. A missing ack counts as the latest: without
// the missing acks the number would be too good.
func percentile(e swarm.Entry, p float64) string {
	all, expected := answers(e)
	return ranked(e, all, expected, p, nth)
}

func ranked(
	e swarm.Entry, all []time.Duration, expected int, p float64, nth func([]time.Duration, int) time.Duration,
) string {
	if expected == 0 {
		return "–"
	}
	rank := int(math.Ceil(p / 100 * float64(expected)))
	if rank > len(all) {
		return "> " + Latency(e.Issued.Deadline)
	}
	return Latency(nth(all, max(rank, 1)-1))
}

// nth finds the value that would be at k if all were sorted. It does not sort, because a list of commands to a large
// swarm needs it for each command.
func nth(all []time.Duration, k int) time.Duration {
	low, high := 0, len(all)-1
	for low < high {
		pivot, i, j := all[(low+high)/2], low, high
		for i <= j {
			for all[i] < pivot {
				i++
			}
			for all[j] > pivot {
				j--
			}
			if i <= j {
				all[i], all[j] = all[j], all[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			high = j
		case k >= i:
			low = i
		default:
			return all[k]
		}
	}
	return all[k]
}

func at(sorted []time.Duration, k int) time.Duration { return sorted[k] }

// LatencyChart is the distribution of ack latencies: the share of targets (y axis, percent) that had answered by a time
// (x axis, logarithmic). Coordinates are in a box of 100 by 100; the area right of DeadlineX is beyond the deadline.
type LatencyChart struct {
	Path      string
	DeadlineX string
	BeyondW   string
	Figures   []Figure
	Buckets   []Bucket
	From, To  string // ends of the axis
	Beyond    string // "2 missing", or ""
}

// Figure is a number with its name.
type Figure struct{ Name, Value string }

// Bucket is a row of the table that repeats the chart: the number of targets that answered in a span of time.
type Bucket struct {
	X     string // end of the bucket on the chart
	Label string
	N     string
	Share string // of all, up to here
}

const (
	deadlineX  = 88.0
	axisOrigin = 100 * time.Microsecond
)

// NewLatencyChart shows e; it returns nil while there is nothing to show.
func NewLatencyChart(e swarm.Entry) *LatencyChart {
	sorted, expected := answers(e)
	if expected == 0 {
		return nil
	}
	slices.Sort(sorted)
	scale := latencyScale(max(e.Issued.Deadline, axisOrigin*2))
	c := &LatencyChart{
		Path: ecdf(sorted, expected, scale), DeadlineX: num(deadlineX), BeyondW: num(100 - deadlineX),
		From: Latency(axisOrigin), To: Latency(e.Issued.Deadline),
	}
	for _, p := range []float64{50, 95, 99, 100} {
		name := "p" + num(p)
		if p == 100 {
			name = "max"
		}
		c.Figures = append(c.Figures, Figure{name, ranked(e, sorted, expected, p, at)})
	}
	c.Buckets = buckets(sorted, expected, e.Issued.Deadline, scale)
	if n := expected - len(sorted); n > 0 {
		c.Beyond = Count(n) + " missing"
	}
	return c
}

// latencyScale places a latency on the axis.
func latencyScale(deadline time.Duration) func(time.Duration) float64 {
	low, high := math.Log(float64(axisOrigin)), math.Log(float64(deadline))
	return func(d time.Duration) float64 {
		x := (math.Log(float64(max(d, axisOrigin))) - low) / (high - low) * deadlineX
		return math.Round(min(x, deadlineX)*100) / 100
	}
}

// ecdf draws the steps; points at the same place are drawn once.
func ecdf(sorted []time.Duration, expected int, scale func(time.Duration) float64) string {
	path, last := "M0 100", 0.0
	for i, d := range sorted {
		x := scale(d)
		if i+1 < len(sorted) && scale(sorted[i+1]) == x {
			continue
		}
		y := 100 - 100*float64(i+1)/float64(expected)
		path += "H" + num(x) + "V" + num(math.Round(y*100)/100)
		last = x
	}
	if last < 100 {
		path += "H100"
	}
	return path
}

func buckets(sorted []time.Duration, expected int, deadline time.Duration, scale func(time.Duration) float64) []Bucket {
	var out []Bucket
	seen := 0
	for _, top := range tops(deadline) {
		n, _ := slices.BinarySearchFunc(sorted, top, func(a, b time.Duration) int {
			if a <= b {
				return -1
			}
			return 1
		})
		if n == seen {
			continue
		}
		out = append(out, Bucket{X: num(scale(top)), Label: upTo(top), N: Count(n - seen), Share: share(n, expected)})
		seen = n
	}
	if missing := expected - len(sorted); missing > 0 {
		out = append(out, Bucket{X: num(100), Label: "> " + Latency(deadline), N: Count(missing), Share: "never"})
	}
	return out
}

// tops are 1, 2, 5, 10, … ms up to the deadline, and a last one without an upper bound.
func tops(deadline time.Duration) []time.Duration {
	var out []time.Duration
	for unit := time.Millisecond; unit < deadline; unit *= 10 {
		for _, f := range []time.Duration{1, 2, 5} {
			if t := f * unit; t < deadline {
				out = append(out, t)
			}
		}
	}
	return append(out, deadline, math.MaxInt64)
}

func share(n, of int) string {
	return strconv.FormatFloat(100*float64(n)/float64(of), 'f', 1, 64) + " %"
}

func upTo(top time.Duration) string {
	if top == math.MaxInt64 {
		// the round closes at the deadline; an ack in transit at that moment may be slightly later
		return "later, still counted"
	}
	return "≤ " + Latency(top)
}
