package webtest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// Swarm is a fake of the log, the fleet and the dispatcher in one. Every driver that is active acks at once.
type Swarm struct {
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

// Driver returns one line of the roster.
func (s *Swarm) Driver(id string) (swarm.Driver, bool) {
	for _, d := range s.Drivers() {
		if d.ID == id {
			return d, true
		}
	}
	return swarm.Driver{}, false
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
	if len(e.Issued.Targets) == 0 {
		return swarm.Entry{}, swarm.Errorf(swarm.CodeNoActiveDrivers, "no active driver matches the target")
	}
	s.entries = append(s.entries, e)
	return e, nil
}

func (s *Swarm) issue(seq uint64, sub swarm.Submission) swarm.Entry {
	now := time.Now()
	e := swarm.Entry{Seq: seq, Issued: &swarm.Issued{
		Node: "fake", Submitter: sub.Submitter, Command: sub.Command, Target: sub.Target, Deadline: sub.Deadline, SubmittedAt: now,
	}}
	closed := &swarm.Closed{Seq: seq, Node: "fake", ClosedAt: now.Add(time.Millisecond), Duration: time.Millisecond}
	for i := range s.drivers {
		d := &s.drivers[i]
		if d.State != swarm.Active || !sub.Target.Matches(d.ID, d.Labels) {
			continue
		}
		e.Issued.Targets = append(e.Issued.Targets, d.ID)
		closed.Verdicts = append(closed.Verdicts, swarm.Verdict{Kind: swarm.Acked, Latency: time.Millisecond})
		apply(d, sub.Command)
		d.AppliedSeq, d.LastAck = seq, &swarm.LastAck{Seq: seq, Latency: time.Millisecond}
	}
	e.Closed = closed
	return e
}

func apply(d *swarm.Driver, c swarm.Command) {
	switch c.Type {
	case swarm.SetPlayers:
		d.Reported.Players, d.Reported.Running = c.Players, c.Players > 0
	case swarm.SetSpawnDelay:
		d.Reported.SpawnDelayMS = c.SpawnDelayMS
	case swarm.Stop:
		d.Reported.Players, d.Reported.Running = 0, false
	}
}
