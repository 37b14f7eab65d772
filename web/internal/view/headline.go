package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Headline answers the main question of the page: is the swarm on target?
type Headline struct {
	Tone   Tone
	Word   string // "On target"
	Says   string // "3 of 3 drivers run 300 of 300 players."
	Detail string // the drivers that are off target, and why
}

// headline summarises w. Drivers that have not reconnected since the server started may still run their old load: the
// swarm is not on target until they reconnect, or until their lease is over.
func (w World) headline(t tally) Headline {
	h := w.headlineOfRoster(t)
	if len(w.NotBack) == 0 {
		return h
	}
	if h.Tone != Bad {
		h.Tone = Warn
	}
	if t.drivers == 0 {
		h.Word = "Unknown"
		h.Says = "No driver has reconnected since the server started; " + Plural(len(w.NotBack), "driver") +
			" may still be running players."
	} else {
		h.Word = "Not all reconnected"
		h.Says += " " + Plural(len(w.NotBack), "driver") +
			" not reconnected since the server started may still be running players."
	}
	h.Detail = strings.Trim("not reconnected: "+few(w.NotBack)+" · "+h.Detail, " ·")
	return h
}

func (w World) headlineOfRoster(t tally) Headline {
	switch {
	case t.drivers == 0:
		return Headline{Tone: Off, Word: "No drivers", Says: "No driver is connected, so no players are running."}
	case t.asked == 0 && w.LogErr != nil:
		return Headline{
			Tone: Warn, Word: "Unknown", Says: "The target is unknown because the log cannot be read. " +
				Plural(t.drivers, "driver") + ": " + active(t) + ".",
		}
	case t.idle():
		h := Headline{
			Tone: Off, Word: "Idle", Says: "No target is set for " + Plural(t.drivers, "driver") + "; " + active(t) +
				".", Detail: w.who(t),
		}
		if t.unknown() > 0 {
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
	return Count(t.drivers-t.unknown()) + " active with " + players(t.actual) + unknown(t)
}

func (w World) runHeadline(t tally) Headline {
	h := Headline{Detail: w.named(t.off())}
	ratio := fmt.Sprintf("%s of %s players", Count(t.actual), Count(t.target))
	if t.asked == 0 {
		ratio = players(t.actual) + ", no target"
	}
	switch {
	case t.settled() == t.drivers:
		h.Tone, h.Word = OK, "On target"
		h.Says = fmt.Sprintf("%s of %s drivers run %s.", Count(t.settled()-t.by[OutsideSplit]), Count(t.drivers), ratio)
	case t.lacking() == 0 && (t.asked == 0 || t.actual == t.target):
		h.Tone, h.Word = Busy, "Changing"
		h.Says = fmt.Sprintf("%s; %s of %s drivers still changing.", ratio, Count(t.by[Underway]), Count(t.drivers))
	case t.lacking() == 0:
		h.Tone, h.Word = Busy, "Ramping"
		h.Says = fmt.Sprintf("%s%s; %s of %s drivers still changing.", ratio, percent(t.actual, t.target),
			Count(t.by[Underway]), Count(t.drivers))
	default:
		h.Tone, h.Word = w.tone(t), "Off target"
		of := Count(t.by[OnTarget]) + " of " + Count(t.drivers)
		h.Says = fmt.Sprintf("%s drivers on target%s: %s.", of, unknown(t), ratio)
	}
	return outside(h, t)
}

// unknown counts the drivers whose load is unknown.
func unknown(t tally) string {
	if t.unknown() == 0 {
		return ""
	}
	return ", " + Count(t.unknown()) + " unknown"
}

// outside adds the drivers that connected after a total was split: they work, but they do not share the load.
func outside(h Headline, t tally) Headline {
	n := t.by[OutsideSplit]
	if n == 0 {
		return h
	}
	h.Tone = worse(h.Tone, Warn)
	h.Says += " " + Plural(n, "driver") + " outside the split: 0 players until the total is split again."
	return h
}

func (w World) stopHeadline(t tally) Headline {
	h := Headline{Detail: w.who(t)}
	says := fmt.Sprintf("%s of %s drivers report 0 players%s", Count(t.empty), Count(t.drivers), unknown(t))
	switch {
	case t.settled() == t.drivers && t.untargeted > 0:
		h.Tone, h.Word, h.Says = Warn, "Not all stopped", says+"; "+players(t.untargeted)+" run without a target."
	case t.settled() == t.drivers:
		return Headline{Tone: OK, Word: "Stopped", Says: says + "."}
	case t.lacking() == 0:
		h.Tone, h.Word, h.Says = Busy, "Stopping", says+"; "+players(t.actual)+" still running."
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

// who names the first few drivers that are off target, and why.
func (w World) who(t tally) string {
	return w.named(t.worst)
}

// namedFew is how many drivers of a long list are named.
const namedFew = 3

// named describes the first few of the drivers at these indexes.
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

// why explains the standing of the driver at i.
func (w World) why(i int) string {
	d, a := w.Drivers[i], w.aimAt(i)
	last := ""
	if d.Reported.Players > 0 {
		last = ", last reported " + players(d.Reported.Players)
	}
	switch a.Standing {
	case Lost:
		return "is disconnected, last heard from " + Age(d.HeartbeatAge) + " ago" + last
	case Late:
		return "has been silent for " + Age(d.HeartbeatAge) + last
	case Refused:
		return fmt.Sprintf("refused #%d", a.Off.Seq)
	case Behind:
		return fmt.Sprintf("has not applied #%d", a.Off.Seq)
	case OutsideSplit:
		return "runs 0 players until the total is split again"
	case Underway:
		return underway(d, a)
	case NoTarget, OnTarget:
	}
	return "runs " + players(d.Reported.Players)
}

// underway describes the progress of a driver that has not reached its target yet.
func underway(d swarm.Driver, a Aim) string {
	switch {
	case d.AppliedSeq < a.Off.Seq:
		return fmt.Sprintf("has not answered #%d yet", a.Off.Seq)
	case slices.Contains(a.Reasons, swarm.DriftNotReported): // its number may have changed and changed back
		return fmt.Sprintf("has not reported since #%d", a.Off.Seq)
	case a.Off.Command.Slot() == command.SpawnDelaySlot:
		is, asked := Count(d.Reported.SpawnDelayMS), Count(a.Off.Command.Value)
		return fmt.Sprintf("has a spawn delay of %s ms, not %s ms", is, asked)
	}
	return fmt.Sprintf("runs %s of %s", Count(d.Reported.Players), Count(a.Target))
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
