package swarmtest

import (
	"context"
	"sync"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// MemLog is a log in memory for tests of what stands on a log. Its zero value is empty.
type MemLog struct {
	mu      sync.Mutex
	records []swarm.Record
	refuse  func([]swarm.Record) error
}

// FailWith makes each Append fail with what fail returns; nil ends that.
func (l *MemLog) FailWith(fail func() error) {
	if fail == nil {
		l.Refuse(nil)
		return
	}
	l.Refuse(func([]swarm.Record) error { return fail() })
}

// Refuse makes each Append fail with what refuse says of its records, unless that is nil; a nil refuse ends that.
func (l *MemLog) Refuse(refuse func([]swarm.Record) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refuse = refuse
}

// Append implements dispatch.Log.
func (l *MemLog) Append(_ context.Context, records []swarm.Record) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.refuse != nil {
		if err := l.refuse(records); err != nil {
			return 0, err
		}
	}
	l.records = append(l.records, records...)
	return uint64(len(l.records)-len(records)) + 1, nil
}

// Records returns everything that was appended, in order.
func (l *MemLog) Records() []swarm.Record {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]swarm.Record(nil), l.records...)
}

// Entries puts the records together, oldest entry first.
func (l *MemLog) Entries() []swarm.Entry {
	var out []swarm.Entry
	at := map[uint64]int{}
	for i, r := range l.Records() {
		switch r := r.(type) {
		case *swarm.Issued:
			at[uint64(i)+1] = len(out)
			out = append(out, swarm.Entry{Seq: uint64(i) + 1, Issued: r})
		case *swarm.Closed:
			out[at[r.Seq]].Closed = r
		case *swarm.Late:
			e := &out[at[r.Seq]]
			e.Late = append(e.Late, r.Acks...)
		}
	}
	return out
}

// Entry implements dispatch.Log.
func (l *MemLog) Entry(_ context.Context, seq uint64) (swarm.Entry, error) {
	for _, e := range l.Entries() {
		if e.Seq == seq {
			return e, nil
		}
	}
	return swarm.Entry{}, swarm.Errorf(swarm.CodeNotFound, "no command has this seq")
}
