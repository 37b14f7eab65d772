// Package verdict says what an outcome means for a pipeline: the exit code, and the sentence that goes with it.
package verdict

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/decimal"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/remote"
)

// Allow is how many acks may be missing: a number, or a percentage of the targeted drivers. The zero value allows none.
type Allow struct {
	Count   int
	Percent float64
}

// UnmarshalText reads "3" or "5%".
func (a *Allow) UnmarshalText(text []byte) error {
	s, percent := strings.CutSuffix(string(text), "%")
	if !percent {
		n, err := decimal.Parse(s, strconv.IntSize)
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

// Covers reports whether so many missing of targeted are allowed.
func (a Allow) Covers(missing, targeted int) bool {
	return missing <= a.Count || float64(missing)*100 <= a.Percent*float64(targeted)
}

// Code is the exit code of an outcome: when several fit, rejected goes before missing before superseded. An open entry is a
// timeout.
func Code(e remote.Entry, allow Allow) clierr.Code {
	switch {
	case !remote.Closed(e):
		return clierr.Timeout
	case e.Counts.Rejected > 0:
		return clierr.Rejected
	case !allow.Covers(e.Counts.Missing, e.Counts.Targeted):
		return clierr.Missing
	case e.Counts.Superseded > 0:
		return clierr.Superseded
	}
	return clierr.OK
}

// Sentence sums an outcome up: "set_players 100: partial, 2 of 3 acked in 2000.3 ms, 1 missing (entry 7)".
func Sentence(e remote.Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s, %d of %d acked", remote.CommandOf(e), e.Status, e.Counts.Acked, e.Counts.Targeted)
	if !remote.Closed(e) {
		return fmt.Sprintf("%s: still open, sent to %d (entry %d)", remote.CommandOf(e), e.Counts.Targeted, e.Seq)
	}
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
	fmt.Fprintf(&b, " (entry %d)", e.Seq)
	return b.String()
}

// Error is nil for an outcome that is good enough, else the error that names who is to blame.
func Error(e remote.Entry, allow Allow) error {
	code := Code(e, allow)
	if code == clierr.OK {
		return nil
	}
	err := &clierr.Error{Code: code, What: "not acked by all: " + remote.CommandOf(e).String(), Why: errors.New(Sentence(e)), Seen: Blame(e, 10)}
	show := fmt.Sprintf("swarmcall commands show %d", e.Seq)
	switch code {
	case clierr.Timeout:
		err.What = "the wait timed out, the outcome is still open"
		err.Mend = "the command goes on; see what became of it: " + show
	case clierr.Rejected:
		err.Mend = "ask for what these drivers can do; the whole entry: " + show
	case clierr.Missing:
		err.Mend = "are these drivers alive? swarmcall drivers list; late acks come into the entry: " + show + "\nif so many may be missing: --allow-missing N or N%"
	case clierr.Superseded:
		err.Mend = "a newer command came before this one was sent: swarmcall commands list"
	}
	return err
}

// Blame lists who did not ack and why, at most n of them.
func Blame(e remote.Entry, n int) []string {
	var lines []string
	for _, r := range e.Rejected {
		lines = append(lines, fmt.Sprintf("%s rejected: %s: %s", r.DriverId, r.Code, r.Detail))
	}
	for _, m := range e.Missing {
		lines = append(lines, fmt.Sprintf("%s missing: %s", m.DriverId, m.Reason))
	}
	for _, s := range e.Superseded {
		lines = append(lines, s.DriverId+" superseded")
	}
	if len(lines) > n {
		more := len(lines) - n
		lines = append(slices.Clip(lines[:n]), fmt.Sprintf("and %d more", more))
	}
	return lines
}
