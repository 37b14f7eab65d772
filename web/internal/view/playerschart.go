package view

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// PlayersChart shows the target of players and the reported players over time. Coordinates are in a box of 1000 by 100.
// The script js/players.js draws the same chart from the same numbers as they arrive.
type PlayersChart struct {
	Target, Actual string     // paths
	Holes          []Span     // periods without data
	Marks          []Mark     // commands
	Max            string     // top of the y axis
	From, To       Moment     // ends of the x axis
	Rows           []ChartRow // the same as a table, with fewer points
	Last           Sample
	Words          string
	MarkWord       string // legend of the marks
}

// Span is a part of the x axis.
type Span struct{ X, Width string }

// Mark is a command in a chart.
type Mark struct{ X, Words string }

// ChartRow is a row of the table that repeats a chart.
type ChartRow struct {
	X              string
	At             Moment
	Target, Actual string
	Commands       string // those since the row before
}

const (
	chartWidth  = 1000.0
	chartHeight = 100.0
	chartRows   = 20
	minWindow   = time.Minute
	// HoleAfter is the time between two samples above which data is missing between them.
	HoleAfter = 12 * time.Second
)

// NewPlayersChart shows the samples of w.
func NewPlayersChart(w World) PlayersChart {
	if len(w.Samples) == 0 {
		return PlayersChart{
			Max: "1", From: At(w.Now.Add(-minWindow)), To: At(w.Now), Words: "No figures yet.", MarkWord: "command",
		}
	}
	samples := w.Samples
	// samples are seconds apart: the chart must not contradict the headline
	if now := w.Sum(); now.At.After(samples[len(samples)-1].At) {
		now.Gap = w.Resumed
		samples = append(slices.Clip(samples), now)
	}
	first, last := samples[0], samples[len(samples)-1]
	p := plot{from: first.At, to: last.At}
	if p.to.Sub(p.from) < minWindow {
		p.from = p.to.Add(-minWindow)
	}
	for _, s := range samples {
		p.top = max(p.top, s.Target, s.Actual)
	}
	p.top = niceTop(p.top)
	c := PlayersChart{Max: Count(p.top), From: At(p.from), To: At(p.to), Last: last}
	c.Target, c.Actual, c.Holes = p.paths(samples)
	c.Marks, c.MarkWord = p.marks(w), "command"
	if n := len(w.Recent); n == RecentEntries && w.Recent[n-1].Issued.SubmittedAt.After(p.from) {
		c.MarkWord = "command, the newest " + Count(n) + " only"
	}
	step := max(1, len(samples)/chartRows)
	for i := len(samples) - 1; i >= 0; i -= step {
		s, since := samples[i], p.from
		if i >= step {
			since = samples[i-step].At
		}
		c.Rows = append(c.Rows, ChartRow{
			num(p.x(s.At)), At(s.At), Count(s.Target), Count(s.Actual), commandsBetween(w, since, s.At),
		})
	}
	c.Words = "Players from " + c.From.Clock + " to " + c.To.Clock + " UTC: at the end " + Count(last.Actual) + " of " +
		Count(last.Target) + "."
	return c
}

// plot places moments and counts in the box.
type plot struct {
	from, to time.Time
	top      int64
}

func (p plot) x(t time.Time) float64 {
	return math.Round(chartWidth*10*float64(t.Sub(p.from))/float64(p.to.Sub(p.from))) / 10
}

func (p plot) y(n int64) float64 {
	return math.Round(10*(chartHeight-chartHeight*float64(n)/float64(p.top))) / 10
}

// paths draws the target in steps and the reported players from point to point, with a hole where samples are missing.
func (p plot) paths(samples []Sample) (target, actual string, holes []Span) {
	var steps, line strings.Builder
	for i, s := range samples {
		x, ty, ay := num(p.x(s.At)), num(p.y(s.Target)), num(p.y(s.Actual))
		if hole := i > 0 && hole(samples[i-1], s); i == 0 || hole {
			if hole {
				from := p.x(samples[i-1].At)
				holes = append(holes, Span{num(from), num(p.x(s.At) - from)})
			}
			steps.WriteString("M" + x + " " + ty)
			line.WriteString("M" + x + " " + ay)
			continue
		}
		if ends := i == len(samples)-1 || hole(s, samples[i+1]); ends || s.Target != samples[i-1].Target {
			steps.WriteString("H" + x + "V" + ty)
		}
		if i+1 < len(samples) && flat(samples[i-1:i+2]) {
			continue // one line for a run of one value
		}
		line.WriteString("L" + x + " " + ay)
	}
	return steps.String(), line.String(), holes
}

// hole reports whether data is missing between two samples.
func hole(a, b Sample) bool { return b.Gap || b.At.Sub(a.At) > HoleAfter }

// flat reports whether the middle one of three samples adds nothing to its neighbours.
func flat(s []Sample) bool {
	return s[0].Actual == s[1].Actual && s[1].Actual == s[2].Actual && !hole(s[1], s[2])
}

func (p plot) marks(w World) []Mark {
	var out []Mark
	for _, e := range w.Recent {
		if at := e.Issued.SubmittedAt; !at.Before(p.from) && !at.After(p.to) {
			out = append(out, Mark{num(p.x(at)), markWords(e)})
		}
	}
	return out
}

func markWords(e swarm.Entry) string {
	return "#" + strconv.FormatUint(e.Seq, 10) + " " + Do(e.Issued.Command)
}

// commandsBetween lists the commands after since and until a moment, the oldest first.
func commandsBetween(w World, since, until time.Time) string {
	var out []string
	for _, e := range slices.Backward(w.Recent) {
		if at := e.Issued.SubmittedAt; at.After(since) && !at.After(until) {
			out = append(out, markWords(e))
		}
	}
	return strings.Join(out, ", ")
}

// niceTop is the smallest of 1, 2, 5, 10, … that is at least n.
func niceTop(n int64) int64 {
	for unit := int64(1); ; unit *= 10 {
		for _, f := range []int64{1, 2, 5} {
			if f*unit >= n {
				return f * unit
			}
		}
		if unit > math.MaxInt64/100 {
			return n
		}
	}
}

// Unknown is the value in the series of a driver when its load was unknown.
const Unknown int64 = -1

// Runs is how many players a driver runs, or Unknown.
func (w World) Runs(d swarm.Driver) int64 {
	if w.Drifts[d.ID].Unknown() {
		return Unknown
	}
	return d.Reported.Players
}

// spark draws a short series into a box of 60 by 16. A run of equal values is one line, and there is no line where the
// load of the driver was unknown.
func spark(values []int64) string {
	if len(values) < 2 {
		return ""
	}
	top := max(1, maxOf(values))
	y := func(n int64) string { return num(math.Round(10*(15-14*float64(n)/float64(top))) / 10) }
	x := func(i int) string { return num(math.Round(10*60*float64(i)/float64(len(values)-1)) / 10) }
	path := ""
	for i, v := range values {
		switch {
		case v == Unknown:
		case i == 0 || values[i-1] == Unknown:
			path += "M" + x(i) + " " + y(v)
		case i+1 == len(values) || v != values[i-1] || v != values[i+1]:
			path += "L" + x(i) + " " + y(v)
		}
	}
	return path
}

func maxOf(values []int64) int64 {
	var top int64
	for _, v := range values {
		top = max(top, v)
	}
	return top
}
