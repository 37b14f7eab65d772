package view

import "fmt"

// Strip is the state of the swarm in one line; every page has it.
type Strip struct {
	Headline  Headline
	Actual    string
	Target    string
	Gap       string // "20 below", "" without a gap
	Unknown   string // "+20 unknown": players that stale and lost drivers last reported, or ""
	Drivers   []StateCount
	Last      *CommandRow // newest command
	StopsWhat string      // what Stop affects, for the dialog
	Trouble   string      // why the log accepts no commands
}

// StateCount is how many drivers are in a state.
type StateCount struct {
	Badge Badge
	N     string
	URL   string
}

// NewStrip shows w.
func NewStrip(w World) Strip {
	t := w.tally()
	s := Strip{
		Headline: w.headline(t), Actual: Count(t.actual), Target: "–", Gap: gap(t), Trouble: w.trouble(),
		StopsWhat: affects(t.drivers, t.actual+t.unconfirmed, t.unconfirmed),
	}
	if t.unconfirmed > 0 {
		s.Unknown = "+" + Count(t.unconfirmed) + " unknown"
	}
	if t.asked > 0 {
		s.Target = Count(t.target)
	}
	s.Drivers = stateCounts(t)
	if len(w.Recent) > 0 {
		last := NewCommandRow(w, w.Recent[0])
		s.Last = &last
	}
	return s
}

// affects says what a Stop affects; unconfirmed players are those that stale and lost drivers last reported.
func affects(drivers int, reported, unconfirmed int64) string {
	says := fmt.Sprintf("%s, %s reported", Plural(drivers, "driver"), players(reported))
	if unconfirmed > 0 {
		says += fmt.Sprintf(", %s of them by drivers that are stale or lost", Count(unconfirmed))
	}
	return says + "."
}

func (w World) trouble() string {
	switch {
	case w.Trouble != "":
		return "The log accepts no commands: " + w.Trouble
	case w.LogErr != nil:
		return "The command log cannot be read at the moment. Commands on this page may be missing or out of date"
	default:
		return ""
	}
}

func gap(t tally) string {
	switch {
	case t.asked == 0 || t.actual == t.target:
		return ""
	case t.actual < t.target:
		return Count(t.target-t.actual) + " below" + percent(t.target-t.actual, t.target)
	default:
		return Count(t.actual-t.target) + " above"
	}
}

// stateCounts always includes active drivers, and the other states if there are such drivers.
func stateCounts(t tally) []StateCount {
	active := t.drivers - t.unknown()
	out := []StateCount{{Badge{OK, "active"}, Count(active), "/ui/drivers?state=active"}}
	if active == 0 {
		out[0].Badge.Tone = Off
	}
	if n := t.by[Late]; n > 0 {
		out = append(out, StateCount{Badge{Warn, "stale"}, Count(n), "/ui/drivers?state=stale"})
	}
	if n := t.by[Lost]; n > 0 {
		out = append(out, StateCount{Badge{Bad, "lost"}, Count(n), "/ui/drivers?state=disconnected"})
	}
	return out
}
