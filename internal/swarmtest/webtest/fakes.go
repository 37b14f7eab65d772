package webtest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Swarm is a fake of the log, the fleet and the dispatcher in one. Every driver that is active acks at once.
type Swarm struct {
	Reached   swarm.Reach // what is known of a target that no driver matches
	Unmatched bool        // a Stop that no driver matches is logged

	mu          sync.Mutex
	drivers     []swarm.Driver
	entries     []swarm.Entry // oldest first
	submissions []swarm.Submission
	down        error
	refuse      error
}

// NewSwarm makes a Swarm with a roster and a log; entries come newest first, as lists show them.
func NewSwarm(drivers []swarm.Driver, entries []swarm.Entry) *Swarm {
	entries = slices.Clone(entries)
	slices.Reverse(entries)
	return &Swarm{drivers: slices.Clone(drivers), entries: entries}
}

// Drivers returns the roster.
func (s *Swarm) Drivers() []swarm.Driver {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.drivers)
}

// State compares the roster with what the log desires.
func (s *Swarm) State(swarm.StateQuery) swarm.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return State(s.drivers, s.newest())
}

// Progress tells how far the drivers of an entry are with it.
func (s *Swarm) Progress(e swarm.Entry) swarm.Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Progress(s.drivers, s.newest(), e)
}

// Reach returns what the test says.
func (s *Swarm) Reach(swarm.Target) swarm.Reach { return s.Reached }

// newest returns the entries, newest first. The lock is held.
func (s *Swarm) newest() []swarm.Entry {
	out := slices.Clone(s.entries)
	slices.Reverse(out)
	return out
}

// SetDrivers replaces the roster.
func (s *Swarm) SetDrivers(drivers []swarm.Driver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.drivers = slices.Clone(drivers)
}

// Down makes the log fail; nil mends it.
func (s *Swarm) Down(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.down = err
}

// Refuse makes every submission fail; nil ends that.
func (s *Swarm) Refuse(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse = err
}

// Submissions returns what was submitted.
func (s *Swarm) Submissions() []swarm.Submission {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.submissions)
}

// Entry returns one entry.
func (s *Swarm) Entry(_ context.Context, seq uint64) (swarm.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return swarm.Entry{}, s.down
	}
	for _, e := range s.entries {
		if e.Seq == seq {
			return e, nil
		}
	}
	return swarm.Entry{}, swarm.Errorf(swarm.CodeNotFound, "no such entry")
}

// Page returns a page of entries.
func (s *Swarm) Page(_ context.Context, q swarm.Query) (swarm.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return swarm.Page{}, s.down
	}
	var p swarm.Page
	entries := slices.Clone(s.entries)
	if !q.Ascending {
		slices.Reverse(entries)
	}
	for _, e := range entries {
		if !matches(e, q) {
			continue
		}
		if len(p.Entries) == q.Limit {
			p.More = true
			break
		}
		p.Entries = append(p.Entries, e)
	}
	return p, nil
}

func matches(e swarm.Entry, q swarm.Query) bool {
	return (q.Before == 0 || e.Seq < q.Before) && e.Seq > q.After &&
		(q.Submitter == "" || e.Issued.Submitter == q.Submitter) &&
		(q.Type == "" || e.Issued.Command.Type == q.Type) &&
		(q.Status == "" || e.Status() == q.Status)
}

// Submit issues a command: the active drivers it selects ack, and report what they were told.
func (s *Swarm) Submit(_ context.Context, sub swarm.Submission) (swarm.Entry, error) {
	if err := sub.Validate(); err != nil {
		return swarm.Entry{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return swarm.Entry{}, s.refuse
	}
	s.submissions = append(s.submissions, sub)
	seq := uint64(1)
	if n := len(s.entries); n > 0 {
		seq = s.entries[n-1].Seq + 2
	}
	e := s.issue(seq, sub)
	if len(e.Issued.Targets) == 0 && sub.Command.Type == command.Stop {
		s.stopLost(&e)
	}
	if len(e.Issued.Targets) == 0 && (sub.Command.Type != command.Stop || !s.Unmatched) {
		return swarm.Entry{}, &swarm.Error{
			Code: swarm.CodeNoActiveDrivers, Detail: "no active driver matches the target",
			Attrs: map[string]any{"in_use": s.Reached.InUse, "nothing_to_stop": s.Reached.Left},
		}
	}
	s.entries = append(s.entries, e)
	return e, nil
}

// stopLost makes the drivers that e left out its targets, which miss it at once.
func (s *Swarm) stopLost(e *swarm.Entry) {
	for _, l := range e.Issued.LeftOut {
		e.Issued.Targets = append(e.Issued.Targets, l.DriverID)
		missing := swarm.Verdict{Kind: swarm.Missing, Reason: swarm.Reason(l.Reason)}
		e.Closed.Verdicts = append(e.Closed.Verdicts, missing)
	}
	e.Issued.LeftOut = nil
}

func (s *Swarm) issue(seq uint64, sub swarm.Submission) swarm.Entry {
	now := time.Now()
	e := swarm.Entry{Seq: seq, Issued: &swarm.Issued{
		Node: "fake", Submitter: sub.Submitter, Command: sub.Command, Target: sub.Target, Deadline: sub.Deadline, SubmittedAt: now,
	}}
	closed := &swarm.Closed{Seq: seq, Node: "fake", ClosedAt: now.Add(time.Millisecond), Duration: time.Millisecond}
	for i := range s.drivers {
		d := &s.drivers[i]
		if !sub.Target.Matches(d.ID, d.Labels) {
			continue
		}
		if d.State != swarm.Active {
			left := swarm.LeftOut{DriverID: d.ID, Reason: swarm.LeftOutReason(d.State)}
			e.Issued.LeftOut = append(e.Issued.LeftOut, left)
			continue
		}
		e.Issued.Targets = append(e.Issued.Targets, d.ID)
		closed.Verdicts = append(closed.Verdicts, swarm.Verdict{Kind: swarm.Acked, Latency: time.Millisecond})
		d.Reported = d.Reported.After(sub.Command)
		d.AppliedSeq, d.LastAck = seq, &swarm.LastAck{Seq: seq, Latency: time.Millisecond}
	}
	e.Closed = closed
	return e
}
