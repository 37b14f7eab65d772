package view

import (
	"fmt"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Verdict is what became of a command, in a sentence and with names.
type Verdict struct {
	Row      CommandRow
	Sentence string
	Missing  []MissingRow // the first few
	More     string       // "and 12 more", or ""
}

// MissingRow is a driver without an ack, or with a refusal.
type MissingRow struct {
	ID, URL string
	Badge   Badge
	Why     string
}

const missingInBrief = 3

// NewVerdict shows e in brief.
func NewVerdict(w World, e swarm.Entry) Verdict {
	v := Verdict{Row: NewCommandRow(w, e), Sentence: sentence(w, e)}
	all := lacking(e, missingInBrief)
	v.Missing = all
	if c := e.Counts(); c.Missing+c.Rejected > len(all) {
		v.More = "and " + Count(c.Missing+c.Rejected-len(all)) + " more"
	}
	return v
}

// sentence says the verdict: "Partial: 1 of 12 drivers missing after 5.0 s."
func sentence(w World, e swarm.Entry) string {
	c := e.Counts()
	n := Plural(c.Targeted, "driver")
	if e.Closed == nil {
		s := fmt.Sprintf("Pending: %s of %s answered", Count(w.answered(e)), n)
		if left := e.Issued.Deadline - w.Now.Sub(e.Issued.SubmittedAt); left > 0 && left <= e.Issued.Deadline {
			s += fmt.Sprintf(", %.1f s to the deadline", left.Seconds())
		}
		return s + "."
	}
	took := Latency(e.Closed.Duration)
	switch e.Status() {
	case swarm.Complete:
		return fmt.Sprintf("Complete: all of %s acked in %s.", n, took)
	case swarm.SupersededStatus:
		return fmt.Sprintf("Superseded: newer commands took its place at %s of %s.", Count(c.Superseded), n)
	case swarm.Failed:
		return fmt.Sprintf("Failed: none of %s acked; %s after %s.", n, shortfall(c), took)
	default:
		return fmt.Sprintf("Partial: %s of %s acked; %s after %s.", Count(c.Acked), n, shortfall(c), took)
	}
}

func shortfall(c swarm.Counts) string {
	s := ""
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

// lacking lists at most limit targets that did not ack, missing ones first.
func lacking(e swarm.Entry, limit int) []MissingRow {
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
	default:
		return Badge{Busy, "waiting"}
	}
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
		return "a newer command took its place before it was sent"
	case swarm.Undecided:
		return "no answer yet"
	}
	switch v.Reason {
	case swarm.ReasonDeadline:
		return "no ack within " + Latency(e.Issued.Deadline)
	case swarm.ReasonUnresponsive:
		return "unresponsive: the round did not wait for it"
	case swarm.ReasonDisconnected:
		return "disconnected"
	case swarm.ReasonStale:
		return "stale: its heartbeats were late"
	case swarm.ReasonWriteTimeout:
		return "its connection took no data"
	case swarm.ReasonServerRestart:
		return "the server restarted before it answered"
	case swarm.ReasonNodeLost:
		return "the node that held its session was lost"
	default:
		return string(v.Reason)
	}
}
