package swarmtest

import (
	"context"
	"slices"
	"sync"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// MemLog is a log in memory for tests of code that uses a log, and the reference model of LogContract. Its zero value
// is empty.
type MemLog struct {
	passing sync.Mutex // held until told has returned

	mu      sync.Mutex
	records []swarm.Record
	passed  uint64 // position that told has received
	refuse  func([]swarm.Record) error
	told    func(swarm.Appended)
}

// Notify registers told, which receives each append.
func (l *MemLog) Notify(told func(swarm.Appended)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = told
}

// FailWith makes each Append fail with the error of fail; nil ends that.
func (l *MemLog) FailWith(fail func() error) {
	if fail == nil {
		l.Refuse(nil)
		return
	}
	l.Refuse(func([]swarm.Record) error { return fail() })
}

// Refuse makes each Append fail for which refuse returns an error; nil ends that.
func (l *MemLog) Refuse(refuse func([]swarm.Record) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = refuse
}

// Append implements dispatch.Log.
func (l *MemLog) Append(_ context.Context, after uint64, records []swarm.Record) (uint64, error) {
	return l.append(records, true, func() error {
		if after != uint64(len(l.records)) {
			return swarm.ErrConflict
		}
		if l.refuse != nil {
			return l.refuse(records)
		}
		return nil
	})
}

// Add appends records of another node.
func (l *MemLog) Add(records ...swarm.Record) (first uint64) {
	first, _ = l.append(records, false, func() error { return nil })
	return first
}

func (l *MemLog) append(records []swarm.Record, own bool, check func() error) (first uint64, err error) {
	l.passing.Lock()
	defer l.passing.Unlock()
	l.mu.Lock()
	if err := check(); err != nil {
		l.mu.Unlock()
		return 0, err
	}
	l.records = append(l.records, records...)
	first, told := uint64(len(l.records)-len(records))+1, l.told
	l.mu.Unlock()
	if told != nil && len(records) > 0 {
		told(swarm.Appended{First: first, Records: records, Own: own})
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.passed = uint64(len(l.records))
	return first, nil
}

// Last returns the position of the last record that the function of Notify has received.
func (l *MemLog) Last() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.passed
}

// Records returns everything that was appended, in order.
func (l *MemLog) Records() []swarm.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.records)
}

// Entries builds the entries from the records, oldest first. The first outcome of an entry counts; records without an
// entry are ignored.
func (l *MemLog) Entries() []swarm.Entry {
	var out []swarm.Entry
	at := map[uint64]int{}
	for i, r := range l.Records() {
		switch r := r.(type) {
		case *swarm.Issued:
			at[uint64(i)+1] = len(out)
			out = append(out, swarm.Entry{Seq: uint64(i) + 1, Issued: r})
		case *swarm.Closed:
			if n, ok := at[r.Seq]; ok && out[n].Closed == nil {
				out[n].Closed = r
			}
		case *swarm.Late:
			if n, ok := at[r.Seq]; ok {
				out[n].Late = append(out[n].Late, r.Acks...)
			}
		}
	}
	return out
}

// Entry returns the entry seq, or an error of CodeNotFound.
func (l *MemLog) Entry(_ context.Context, seq uint64) (swarm.Entry, error) {
	for _, e := range l.Entries() {
		if e.Seq == seq {
			return e, nil
		}
	}
	return swarm.Entry{}, swarm.Errorf(swarm.CodeNotFound, "no command has this seq")
}

// Unclosed returns the entries without an outcome, oldest first.
func (l *MemLog) Unclosed(context.Context) ([]swarm.Entry, error) {
	return slices.DeleteFunc(l.Entries(), func(e swarm.Entry) bool { return e.Closed != nil }), nil
}

// Page returns the entries that q selects.
func (l *MemLog) Page(_ context.Context, q swarm.Query) (swarm.Page, error) {
	found := slices.DeleteFunc(l.Entries(), func(e swarm.Entry) bool {
		return q.Submitter != "" && e.Issued.Submitter != q.Submitter ||
			q.Type != "" && e.Issued.Command.Type != q.Type ||
			q.Status != "" && e.Status() != q.Status ||
			q.Before != 0 && e.Seq >= q.Before || e.Seq <= q.After
	})
	if !q.Ascending {
		slices.Reverse(found)
	}
	more := len(found) > q.Limit
	return swarm.Page{Entries: found[:min(len(found), q.Limit)], More: more}, nil
}
