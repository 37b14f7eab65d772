package view

import (
	"fmt"
	"strings"
)

// Headline answers the one question of the page: does the swarm do what was asked?
type Headline struct {
	Tone   Tone
	Word   string // "As asked"
	Says   string // "3 of 3 drivers run 300 of 300 players."
	Detail string // who does not, and why
}

// headline sums w up. Drivers that are not back since the server started may run what they ran before: nothing is as asked until they
// are, or their time is over.
func (w World) headline(t tally) Headline {
	h := w.headlineOfRoster(t)
	if len(w.NotBack) == 0 {
		return h
	}
	if h.Tone != Bad {
		h.Tone = Warn
	}
	if t.drivers == 0 {
		h.Word, h.Says = "Not known", "No driver is back since the server started; "+Plural(len(w.NotBack), "driver")+" may still run players."
	} else {
		h.Word = "Not all back"
		h.Says += " " + Plural(len(w.NotBack), "driver") + " not back since the server started may still run players."
	}
	h.Detail = strings.Trim("not back: "+few(w.NotBack)+" · "+h.Detail, " ·")
	return h
}

func (w World) headlineOfRoster(t tally) Headline {
	switch {
	case t.drivers == 0:
		return Headline{Tone: Off, Word: "No drivers", Says: "No driver is connected, so nothing runs."}
	case t.asked == 0 && w.LogErr != nil:
		return Headline{Tone: Warn, Word: "Not known", Says: "What was asked cannot be read. " + Plural(t.drivers, "driver") + ", of which " + active(t) + "."}
	case t.idle():
		h := Headline{Tone: Off, Word: "Idle", Says: "Nothing is asked of " + Plural(t.drivers, "driver") + "; " + active(t) + ".", Detail: w.who(t)}
		if t.by[Late]+t.by[Lost] > 0 {
			h.Tone = w.tone(t)
		}
		return h
	case t.stopping():
		return w.stopHeadline(t)
	default:
		return w.runHeadline(t)
	}
}

func active(t tally) string {
	return Count(t.drivers-t.by[Late]-t.by[Lost]) + " active with " + players(t.actual)
}

func (w World) runHeadline(t tally) Headline {
	h := Headline{Detail: w.who(t)}
	ratio := fmt.Sprintf("%s of %s players", Count(t.actual), Count(t.target))
	switch {
	case t.lacking() == 0 && t.by[Underway] == 0:
		h.Tone, h.Word = OK, "As asked"
		h.Says = fmt.Sprintf("%s of %s drivers run %s.", Count(t.by[AsAsked]+t.by[Unasked]), Count(t.drivers), ratio)
	case t.lacking() == 0:
		h.Tone, h.Word = Busy, "Ramping"
		h.Says = fmt.Sprintf("%s%s; %s of %s drivers on their way.", ratio, percent(t.actual, t.target), Count(t.by[Underway]), Count(t.drivers))
	default:
		h.Tone, h.Word = w.tone(t), "Not as asked"
		h.Says = fmt.Sprintf("%s of %s drivers do what was asked: %s.", Count(t.by[AsAsked]), Count(t.drivers), ratio)
	}
	return h
}

func (w World) stopHeadline(t tally) Headline {
	h := Headline{Detail: w.who(t)}
	says := fmt.Sprintf("%s of %s drivers report 0 players", Count(t.empty), Count(t.drivers))
	switch {
	case t.lacking() == 0 && t.by[Underway] == 0 && t.unbidden > 0:
		h.Tone, h.Word, h.Says = Warn, "Not all stopped", says+"; nobody asked for the "+players(t.unbidden)+" that run."
	case t.lacking() == 0 && t.by[Underway] == 0:
		return Headline{Tone: OK, Word: "Stopped", Says: says + "."}
	case t.lacking() == 0:
		h.Tone, h.Word, h.Says = Busy, "Stopping", says+"; "+players(t.actual)+" left."
	default:
		h.Tone, h.Word, h.Says = w.tone(t), "Not all stopped", says+"."
	}
	return h
}

func (w World) tone(t tally) Tone {
	if t.by[Lost]+t.by[Refused] > 0 {
		return Bad
	}
	return Warn
}

// who names the drivers that are not as asked: the first few, with why.
func (w World) who(t tally) string {
	return w.named(t.worst)
}

// namedFew is how many of many are named.
const namedFew = 3

// named says how the first few of the drivers at these indexes stand.
func (w World) named(at []int) string {
	var parts []string
	for _, i := range at[:min(namedFew, len(at))] {
		parts = append(parts, w.Drivers[i].ID+" "+w.why(i))
	}
	if more := len(at) - namedFew; more > 0 {
		parts = append(parts, fmt.Sprintf("and %s more", Count(more)))
	}
	return strings.Join(parts, " · ")
}

// few lists the first few ids.
func few(ids []string) string {
	text := strings.Join(ids[:min(namedFew, len(ids))], ", ")
	if more := len(ids) - namedFew; more > 0 {
		text += " and " + Count(more) + " more"
	}
	return text
}

// why says how the driver at i stands to what is asked of it.
func (w World) why(i int) string {
	d, a := w.Drivers[i], w.aimAt(i)
	last := ""
	if d.Reported.Players > 0 {
		last = ", last seen with " + players(d.Reported.Players)
	}
	switch a.Standing {
	case Lost:
		return "is gone, heard of " + Age(d.HeartbeatAge) + " ago" + last
	case Late:
		return "is silent for " + Age(d.HeartbeatAge) + last
	case Refused:
		return fmt.Sprintf("refused #%d", a.Seq)
	case Behind:
		return fmt.Sprintf("has not applied #%d", a.Seq)
	case Underway:
		if d.AppliedSeq < a.Seq {
			return fmt.Sprintf("has not answered #%d yet", a.Seq)
		}
		if !a.heard && d.Reported.Players == a.Target { // it may have left the number and come back to it
			return fmt.Sprintf("has not reported since #%d", a.Seq)
		}
		return fmt.Sprintf("runs %s of %s", Count(d.Reported.Players), Count(a.Target))
	default:
		return "runs " + players(d.Reported.Players)
	}
}

func players(n int64) string {
	if n == 1 {
		return "1 player"
	}
	return Count(n) + " players"
}

func percent(part, whole int64) string {
	if whole == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d %%)", 100*part/whole)
}
