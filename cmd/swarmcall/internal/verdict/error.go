package verdict

import (
	"errors"
	"fmt"
	"slices"

	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/clierr"
	"github.com/swarmcall/swarmcall/cmd/swarmcall/internal/remote"
)

// Error returns nil for an acceptable outcome, else the error that names the failing drivers.
func Error(e remote.Entry, allow Allow) error {
	code := Code(e, allow)
	if code == clierr.OK {
		return nil
	}
	err := &clierr.Error{
		Code:   code,
		What:   "not acked by all: " + remote.CommandOf(e).String(),
		Cause:  errors.New(Sentence(e)),
		Detail: Blame(e, 10),
	}
	show := fmt.Sprintf("swarmcall commands show %d", e.Seq)
	switch code {
	case clierr.Timeout:
		err.What = "the wait timed out; the outcome is still open"
		err.Hint = "the command continues; see its outcome: " + show
	case clierr.Rejected:
		err.Hint = "request only what these drivers support; full entry: " + show
	case clierr.Missing:
		err.Hint = "are these drivers running? swarmcall drivers list; late acks are added to the " +
			"entry: " + show +
			"\nto tolerate missing drivers: --allow-missing N or N%"
	case clierr.TooFew:
		err.What, err.Detail = "the stop reached no driver", remote.InUseLines(e.InUse)
		err.Hint = "check the spelling of the target; list the drivers and their labels: swarmcall drivers list"
	case clierr.Superseded:
		err.Hint = "a newer command arrived before this one was sent: swarmcall commands list"
	}
	return err
}

// Blame lists the drivers that did not ack, and the reasons, at most n of them.
func Blame(e remote.Entry, n int) []string {
	var lines []string
	for _, r := range e.Rejected {
		lines = append(lines, fmt.Sprintf("%s rejected: %s: %s", r.DriverId, r.Code, r.Detail))
	}
	for _, m := range e.Missing {
		lines = append(lines, fmt.Sprintf("%s missing: %s", m.DriverId, m.Reason))
	}
	for _, l := range remote.LeftOut(e) {
		lines = append(lines, fmt.Sprintf("%s left out: %s", l.DriverId, l.Reason))
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
