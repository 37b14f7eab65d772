package view

import (
	"fmt"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Verdict is the result of a command, as a sentence and with the names of drivers.
type Verdict struct {
	Row      CommandRow
	Sentence string
	Missing  []MissingRow // the first few
	More     string       // "and 12 more", or ""
}

// MissingRow is a driver that did not ack or that refused.
type MissingRow struct {
	ID, URL string
	Badge   Badge
	Why     string
}

const missingInBrief = 3

// NewVerdict shows e in brief.
func NewVerdict(w World, e swarm.Entry) Verdict {
	v := Verdict{Row: NewCommandRow(w, e), Sentence: sentence(w, e)}
	v.Missing = lacking(e, missingInBrief)
	if more := lackingCount(e) - len(v.Missing); more > 0 {
		v.More = "and " + Count(more) + " more"
	}
	return v
}

// sentence describes the verdict: "Partial: 1 of 12 drivers missing after 5.0 s." The count of drivers includes those
// that were left out.
func sentence(w World, e swarm.Entry) string {
	if noTargets(e) && len(e.Issued.LeftOut) == 0 {
		return w.unmatched(e)
	}
	c := e.Counts()
	n := Plural(c.Targeted+len(e.Issued.LeftOut), "driver")
	left := leftOutWords(e)
	if e.Closed == nil {
		s := fmt.Sprintf("Pending: %s of %s answered", Count(w.answered(e)), n)
		if left != "" {
			s += ", " + left
		}
		if left := e.Issued.Deadline - w.Now.Sub(e.Issued.SubmittedAt); left > 0 && left <= e.Issued.Deadline {
			s += fmt.Sprintf(", %.1f s to the deadline", left.Seconds())
		}
		return s + "."
	}
	took := Latency(e.Closed.Duration)
	switch status := e.Status(); {
	case status == swarm.Complete && left != "":
		return fmt.Sprintf("%s of %s acked in %s, %s.", Count(c.Acked), n, took, left)
	case status == swarm.Complete:
		return fmt.Sprintf("Complete: all of %s acked in %s.", n, took)
	case status == swarm.SupersededStatus && left != "":
		return fmt.Sprintf("Superseded: newer commands replaced it on %s of %s; %s.", Count(c.Superseded), n, left)
	case status == swarm.SupersededStatus:
		return fmt.Sprintf("Superseded: newer commands replaced it on %s of %s.", Count(c.Superseded), n)
	case status == swarm.Failed:
		return fmt.Sprintf("Failed: none of %s acked; %s after %s.", n, shortfall(c, left), took)
	default:
		return fmt.Sprintf("Partial: %s of %s acked; %s after %s.", Count(c.Acked), n, shortfall(c, left), took)
	}
}

func shortfall(c swarm.Counts, left string) string {
	s := left
	for _, p := range []struct {
		n    int
		word string
	}{{c.Missing, "missing"}, {c.Rejected, "rejected"}, {c.Superseded, "superseded"}} {
		if p.n == 0 {
			continue
		}
		if s != "" {
			s += ", "
		}
		s += Count(p.n) + " " + p.word
	}
	return s
}

// lackingCount is how many drivers lacking would list without a limit.
func lackingCount(e swarm.Entry) int {
	c := e.Counts()
	return c.Missing + c.Rejected + len(e.Issued.LeftOut)
}

// lacking lists at most limit drivers that the command was for and that did not ack: missing ones first, left-out ones
// last.
func lacking(e swarm.Entry, limit int) []MissingRow {
	out := unacked(e, limit)
	return append(out, leftOutRows(e, limit-len(out))...)
}

// unacked lists at most limit targets that did not ack.
func unacked(e swarm.Entry, limit int) []MissingRow {
	if e.Closed == nil {
		return nil
	}
	var out []MissingRow
	for _, kind := range []swarm.VerdictKind{swarm.Missing, swarm.Rejected} {
		for i, v := range e.Closed.Verdicts {
			if len(out) == limit {
				return out
			}
			if v.Kind == kind {
				id := e.Issued.Targets[i]
				out = append(out, MissingRow{id, DriverURL(id), verdictBadge(v.Kind), because(e, v)})
			}
		}
	}
	return out
}

func verdictBadge(k swarm.VerdictKind) Badge {
	switch k {
	case swarm.Acked:
		return Badge{OK, "acked"}
	case swarm.Rejected:
		return Badge{Warn, "rejected"}
	case swarm.Superseded:
		return Badge{Off, "superseded"}
	case swarm.Missing:
		return Badge{Bad, "missing"}
	case swarm.Undecided:
	}
	return Badge{Busy, "waiting"}
}

// because says why a target did not ack.
func because(e swarm.Entry, v swarm.Verdict) string {
	switch v.Kind {
	case swarm.Acked:
		return ""
	case swarm.Rejected:
		if v.Detail == "" {
			return v.Code
		}
		return v.Code + ": " + v.Detail
	case swarm.Superseded:
		return "a newer command replaced it before it was sent"
	case swarm.Undecided:
		return "no answer yet"
	case swarm.Missing:
	}
	switch v.Reason {
	case swarm.ReasonDeadline:
		return "no ack within " + Latency(e.Issued.Deadline)
	case swarm.ReasonUnresponsive:
		return "unresponsive: the command did not wait for it"
	case swarm.ReasonDisconnected:
		return "disconnected"
	case swarm.ReasonStale:
		return "stale: its heartbeats were late"
	case swarm.ReasonWriteTimeout:
		return "its connection accepted no data"
	case swarm.ReasonServerRestart:
		return "the server restarted before it answered"
	case swarm.ReasonNodeLost:
		return "the node that held its session was lost"
	default:
		return string(v.Reason)
	}
}
