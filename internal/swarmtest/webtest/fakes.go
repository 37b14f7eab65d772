package webtest

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/feed"
	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/internal/swarmtest"
)

// Swarm is a log in memory with its feed, and a fake of the drivers and the dispatcher in one. Every active driver acks
// at once.
type Swarm struct {
	Reached   swarm.Reach // what is known about a target that no driver matches
	Unmatched bool        // a Stop that no driver matches is logged
	Feed      *feed.Feed  // of the log

	mu          sync.Mutex
	nodes       []swarm.Node
	server      Server
	log         swarmtest.MemLog
	submissions []swarm.Submission
	down        error
	refuse      error
}

// NewSwarm returns a Swarm with drivers and a log; entries are newest first, as lists show them.
func NewSwarm(drivers []swarm.Driver, entries []swarm.Entry) *Swarm {
	s := &Swarm{server: Server{Drivers: slices.Clone(drivers)}, nodes: []swarm.Node{Alone(len(drivers))}}
	s.Feed = feed.New(reader{&s.log}, 0)
	s.append(Records(entries)...)
	return s
}

// Records returns a log with the entries, which are newest first: each at its seq, and outcomes in the gaps between
// them. The rest of a gap has records that concern no entry.
func Records(entries []swarm.Entry) (log []swarm.Record) {
	var rest []swarm.Record // the outcomes of entries
	for _, e := range slices.Backward(entries) {
		for uint64(len(log))+1 < e.Seq {
			if len(rest) == 0 {
				rest = append(rest, &swarm.Late{})
			}
			log, rest = append(log, rest[0]), rest[1:]
		}
		log = append(log, e.Issued)
		if e.Closed != nil {
			closed := *e.Closed
			closed.Seq = e.Seq
			rest = append(rest, &closed)
		}
		if len(e.Late) > 0 {
			rest = append(rest, &swarm.Late{Seq: e.Seq, Acks: e.Late})
		}
	}
	return append(log, rest...)
}

// Append adds records to the log that the server itself writes, and passes them to the feed.
func (s *Swarm) Append(records ...swarm.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.append(records...)
}

// append is Append for a caller that holds the lock, or while no other goroutine has s.
func (s *Swarm) append(records ...swarm.Record) {
	first := s.log.Add(records...)
	s.server.Fold(first, records...)
	s.Feed.Add(first, records)
}

// reader adapts the log for the feed.
type reader struct{ *swarmtest.MemLog }

func (r reader) Records(_ context.Context, after uint64, limit int) (out []swarm.Stored, err error) {
	for i, record := range r.MemLog.Records() {
		if at := uint64(i) + 1; at > after && len(out) < limit {
			out = append(out, swarm.Stored{Position: at, Record: record})
		}
	}
	return out, nil
}

// Drivers returns the known drivers.
func (s *Swarm) Drivers() []swarm.Driver {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.server.Drivers)
}

// State compares the drivers with the desired state of the log.
func (s *Swarm) State(swarm.StateQuery) swarm.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server.State()
}

// Progress reports how far the drivers of an entry have followed it.
func (s *Swarm) Progress(e swarm.Entry) swarm.Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.server.Progress(e)
}

// Reach returns what the test has set.
func (s *Swarm) Reach(swarm.Target) swarm.Reach { return s.Reached }

// Nodes returns the nodes.
func (s *Swarm) Nodes() []swarm.Node {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.nodes)
}

// SetNodes replaces the nodes; at first there is one, with an embedded log.
func (s *Swarm) SetNodes(nodes ...swarm.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.nodes = slices.Clone(nodes)
}

// SetDrivers replaces the known drivers.
func (s *Swarm) SetDrivers(drivers []swarm.Driver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server.Drivers = slices.Clone(drivers)
}

// Down makes reading the log fail; nil ends that.
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
func (s *Swarm) Entry(ctx context.Context, seq uint64) (swarm.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return swarm.Entry{}, s.down
	}
	return s.log.Entry(ctx, seq)
}

// Page returns a page of entries.
func (s *Swarm) Page(ctx context.Context, q swarm.Query) (swarm.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down != nil {
		return swarm.Page{}, s.down
	}
	return s.log.Page(ctx, q)
}

// Submit issues a command: the active drivers that it selects ack it, and report what they received.
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
	e := s.issue(s.log.Last()+1, sub)
	if len(e.Issued.Targets) == 0 && sub.Command.Type == command.Stop {
		s.stopLost(&e)
	}
	if len(e.Issued.Targets) == 0 && (sub.Command.Type != command.Stop || !s.Unmatched) {
		return swarm.Entry{}, &swarm.Error{
			Code: swarm.CodeNoActiveDrivers, Detail: "no active driver matches the target",
			Attrs: map[string]any{"in_use": s.Reached.InUse, "nothing_to_stop": s.Reached.Left},
		}
	}
	s.append(e.Issued, e.Closed)
	return e, nil
}

// stopLost makes the drivers that e left out its targets; they are missing at once.
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
		Node: "fake", Submitter: sub.Submitter, Command: sub.Command, Target: sub.Target, Deadline: sub.Deadline,
		SubmittedAt: now,
	}}
	closed := &swarm.Closed{Seq: seq, Node: "fake", ClosedAt: now.Add(time.Millisecond), Duration: time.Millisecond}
	for i := range s.server.Drivers {
		d := &s.server.Drivers[i]
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
