package swarm

import (
	"crypto/sha256"
	"time"

	"github.com/swarmcall/swarmcall/command"
)

// Entry is one command of the log with everything known about its outcome.
type Entry struct {
	Seq    uint64
	Issued *Issued
	Closed *Closed   // nil while the command is open
	Late   []LateAck // first late answer of each driver, in order of arrival
	Totals *Totals   // of an entry whose lists are cut; nil for a complete one
}

// Totals are the counts of an entry before its lists were cut. Such an entry keeps only some of its targets: the first
// of each verdict except acked, or the first of all if they share a total, with the verdicts and the split of these.
type Totals struct {
	Counts
	LeftOut   int
	Shortfall int64
}

// Status summarizes an entry in one word.
type Status string

// The statuses. A closed entry has the first one that applies, in the order Complete, SupersededStatus, Partial,
// Failed.
const (
	Pending          Status = "pending"
	Complete         Status = "complete"   // all acked
	SupersededStatus Status = "superseded" // all acked or superseded, at least one superseded
	Partial          Status = "partial"    // some acked
	Failed           Status = "failed"     // none acked
)

// Statuses lists every status in the order documents show them.
func Statuses() []Status { return []Status{Pending, Complete, Partial, Failed, SupersededStatus} }

// Counts holds the number of targets by verdict. Targeted = Acked + Rejected + Superseded + Missing once the entry is
// closed.
type Counts struct{ Targeted, Acked, Rejected, Superseded, Missing, Late int }

// Counts counts the verdicts of e.
func (e Entry) Counts() Counts {
	if e.Totals != nil {
		return e.Totals.Counts
	}
	n := Counts{Targeted: len(e.Issued.Targets), Late: len(e.Late)}
	if e.Closed == nil {
		return n
	}
	for _, v := range e.Closed.Verdicts {
		switch v.Kind {
		case Acked:
			n.Acked++
		case Rejected:
			n.Rejected++
		case Superseded:
			n.Superseded++
		case Missing:
			n.Missing++
		case Undecided:
		}
	}
	return n
}

// Status summarizes e.
func (e Entry) Status() Status {
	switch {
	case e.Closed == nil:
		return Pending
	case e.Totals != nil:
		return statusOf(e.Totals.Targeted, e.Totals.Acked, e.Totals.Superseded)
	default:
		return e.Closed.Status()
	}
}

// LeftOut returns how many drivers were left out.
func (e Entry) LeftOut() int {
	if e.Totals != nil {
		return e.Totals.LeftOut
	}
	return len(e.Issued.LeftOut)
}

// Shortfall returns how many players of a total no driver had capacity for.
func (e Entry) Shortfall() int64 {
	if e.Totals != nil {
		return e.Totals.Shortfall
	}
	return e.Issued.Shortfall()
}

// Status summarizes the verdicts.
func (c *Closed) Status() Status {
	var acked, superseded int
	for _, v := range c.Verdicts {
		switch v.Kind {
		case Acked:
			acked++
		case Superseded:
			superseded++
		case Undecided, Rejected, Missing:
		}
	}
	return statusOf(len(c.Verdicts), acked, superseded)
}

func statusOf(n, acked, superseded int) Status {
	switch {
	case acked == n && n > 0:
		return Complete
	case acked+superseded == n && superseded > 0:
		return SupersededStatus
	case acked > 0:
		return Partial
	default:
		return Failed
	}
}

// Submission is a request to issue a command.
type Submission struct {
	Submitter  string
	Command    Command
	Target     Target
	Deadline   time.Duration
	MinDrivers int     // refuse if fewer drivers are targeted; 0: at least one is required
	IfSeq      *uint64 // refuse unless the newest player command that concerns Target is this one; nil: no condition

	Cause       string // why the server submitted it; "" if a submitter did
	Via         *Via   // how it came in; nil: not recorded
	Key         string // idempotency key: a repeated key returns the same entry; "" for none
	RequestHash []byte // SHA-256 of the request, to distinguish a retry from another request with the same Key

	Traceparent string   // the trace that drivers continue; "" for none. It is not stored
	Follower    Follower // nil: the submission is not followed
}

// Limits on submissions.
const (
	MinDeadline   = time.Millisecond
	MaxDeadline   = time.Minute
	MaxMinDrivers = 1_000_000
)

// Anonymous is the submitter of commands that name none, while authentication is off.
const Anonymous = "anonymous"

// Validate returns an Error of CodeInvalidCommand that names every bad field, or nil.
func (s Submission) Validate() error {
	bad := s.Command.Validate("/command")
	if !ValidSubmitter(s.Submitter) {
		bad = append(bad, FieldError{
			Pointer: "/submitter", Detail: "must be 1 to 128 of [A-Za-z0-9._:@/-], the first a letter or digit",
		})
	}
	bad = append(bad, s.Target.Validate("/target")...)
	bad = between(bad, "/deadline_ms", s.Deadline.Milliseconds(), MinDeadline.Milliseconds(),
		MaxDeadline.Milliseconds())
	if s.Key != "" && len(s.RequestHash) != sha256.Size {
		bad = append(bad, FieldError{Pointer: "", Detail: "has an idempotency key and no request hash"})
	}
	bad = noSecret(bad, "/submitter", s.Submitter)
	bad = noSecret(bad, "/command/note", s.Command.Note)
	bad = noSecret(bad, "", s.Key)
	bad = between(bad, "/min_drivers", int64(s.MinDrivers), 0, MaxMinDrivers)
	if len(bad) == 0 {
		return nil
	}
	return &Error{Code: CodeInvalidCommand, Detail: "the command was refused and nothing was sent", Fields: bad}
}

// Query selects a page of entries.
type Query struct {
	Submitter string
	Type      command.Type
	Status    Status
	Before    uint64 // only entries with a lower seq; 0: no bound
	After     uint64 // only entries with a higher seq
	Ascending bool   // oldest first
	Limit     int    // 1 to MaxPage
	Brief     int    // 0 for complete entries; else entries with Totals, with up to this many elements per list
}

// MaxPage bounds the items of one page of any list.
const MaxPage = 1000

// Page is one page of entries; More says that the query matches more entries after these.
type Page struct {
	Entries []Entry
	More    bool
}
