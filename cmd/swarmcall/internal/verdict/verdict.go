// Package verdict interprets an outcome for a pipeline: the exit code, and a sentence that describes it.
package verdict

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/input"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// Allow is how many drivers may be missing: a number, or a percentage of those that were targeted or left out. The zero
// value allows none.
type Allow struct {
	Count   int
	Percent float64
}

// UnmarshalText reads "3" or "5%".
func (a *Allow) UnmarshalText(text []byte) error {
	s, percent := strings.CutSuffix(string(text), "%")
	if !percent {
		n, err := input.ParseInt(s, strconv.IntSize)
		if err != nil || n < 0 {
			return fmt.Errorf("%q must be a number of drivers such as 2, or a share of them such as 5%%", text)
		}
		*a = Allow{Count: int(n)}
		return nil
	}
	p, err := strconv.ParseFloat(s, 64)
	if err != nil || !(p >= 0 && p <= 100) {
		return fmt.Errorf("%q must be 0%% to 100%%", text)
	}
	*a = Allow{Percent: p}
	return nil
}

// Covers reports whether this number of missing drivers is allowed.
func (a Allow) Covers(missing, all int) bool {
	return missing <= a.Count || float64(missing)*100 <= a.Percent*float64(all)
}

// Code returns the exit code of an outcome: when several fit, rejected comes before missing before superseded. An open
// entry is a timeout.
func Code(e remote.Entry, allow Allow) clierr.Code {
	switch {
	case remote.ReachedNoDriver(e):
		return codeWithoutTargets(e)
	case !remote.Closed(e):
		return clierr.Timeout
	case e.Counts.Rejected > 0:
		return clierr.Rejected
	case !allow.Covers(Missing(e), remote.Meant(e)):
		return clierr.Missing
	case e.Counts.Superseded > 0, taken(e):
		return clierr.Superseded
	}
	return clierr.OK
}

// codeWithoutTargets returns the code of a Stop without targets. Only the server knows whether the drivers have
// deregistered or the target is misspelt. An older server does not report it, and such a Stop was a success.
func codeWithoutTargets(e remote.Entry) clierr.Code {
	awaited := e.Awaited != nil && *e.Awaited
	if awaited || e.Awaited == nil && e.InUse == nil {
		return clierr.OK
	}
	return clierr.TooFew
}

// taken reports whether an entry has no driver left, because other submitters command all of them.
func taken(e remote.Entry) bool { return e.Counts.Targeted == 0 && len(remote.Elsewhere(e)) > 0 }

// Sentence summarizes an outcome: "set_players 100: partial, 2 of 3 acked in 2000.3 ms, 1 missing (entry 7)".
func Sentence(e remote.Entry) string {
	text := outcome(e)
	switch {
	case remote.ReachedNoDriver(e):
		text = withoutTargets(e)
	case taken(e) && remote.Closed(e):
		text = "it applies to no driver: " + elsewhere(e)
	case !remote.Closed(e):
		text = fmt.Sprintf("still open, sent to %d", e.Counts.Targeted)
		if left := remote.LeftOutText(e); left != "" {
			text += ", " + left
		}
	}
	return fmt.Sprintf("%s: %s (entry %d)", remote.CommandOf(e), text, e.Seq)
}

// InForce names the command in force: "ops/alice commands these drivers now: stop (entry 8)".
func InForce(e remote.Entry) string {
	return fmt.Sprintf("%s commands these drivers now: %s (entry %d)", e.Submitter, remote.CommandOf(e), e.Seq)
}

// Missing returns how many drivers of an entry did not ack: they were targeted, or left out.
func Missing(e remote.Entry) int { return e.Counts.Missing + remote.CountLeftOut(e) }

// outcome describes a closed entry in numbers.
func outcome(e remote.Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %d of %d acked", e.Status, e.Counts.Acked, remote.Meant(e))
	if e.DurationMs != nil {
		fmt.Fprintf(&b, " in %.1f ms", *e.DurationMs)
	}
	for _, part := range []struct {
		n    int
		name string
	}{{e.Counts.Rejected, "rejected"}, {e.Counts.Missing, "missing"}, {e.Counts.Superseded, "superseded"}} {
		if part.n > 0 {
			fmt.Fprintf(&b, ", %d %s", part.n, part.name)
		}
	}
	for _, part := range []string{remote.LeftOutText(e), elsewhere(e)} {
		if part != "" {
			b.WriteString(", " + part)
		}
	}
	return b.String()
}

// withoutTargets describes a Stop without targets. Its numbers would look like a success.
func withoutTargets(e remote.Entry) string {
	switch {
	case codeWithoutTargets(e) != clierr.OK:
		return "reached no driver: no known driver matches its target"
	case e.Awaited == nil:
		return "logged; there was no driver to send it to"
	}
	return "logged; it stops drivers that return"
}

// elsewhere names the drivers that stay under another submitter's command.
func elsewhere(e remote.Entry) string {
	ids := remote.Elsewhere(e)
	if len(ids) == 0 {
		return ""
	}
	return "a newer command by another submitter holds for " + Some(ids)
}

// Some lists the first names of many.
func Some(names []string) string { return SomeOf(names, len(names)) }

// SomeOf lists the first of n names; not all need to be known.
func SomeOf(names []string, n int) string {
	shown := names[:min(len(names), 3)]
	if n <= len(shown) {
		return strings.Join(shown, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(shown, ", "), n-len(shown))
}

// Spread describes what a load adds up to on this many drivers: "60 on each of 12 drivers = 720 players"; "" if the
// command is not a load.
func Spread(c remote.Command, drivers int) string {
	row, _ := c.Type.Row()
	switch {
	case drivers == 0 || !row.Level:
		return ""
	case c.Total:
		return fmt.Sprintf("%s in total over %s", players(c.Value), Drivers(drivers))
	case drivers == 1:
		return fmt.Sprintf("%s on 1 driver", players(c.Value))
	}
	return fmt.Sprintf("%d on each of %d drivers = %s", c.Value, drivers, players(c.Value*int64(drivers)))
}

func players(n int64) string {
	if n == 1 {
		return "1 player"
	}
	return fmt.Sprintf("%d players", n)
}

// Drivers formats a number of drivers: "1 driver".
func Drivers(n int) string {
	if n == 1 {
		return "1 driver"
	}
	return fmt.Sprintf("%d drivers", n)
}
