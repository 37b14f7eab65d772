package dispatch

import (
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// These constants bound the memory of late answers to closed entries with missing drivers. The newest entries are kept.
const (
	maxLateEntries = 4096
	maxLateDrivers = 1_000_000
	lateEvery      = 200 * time.Millisecond // at most one late record per entry in this time
)

// lateAcks remembers which drivers of which closed entries may still answer, and batches their answers.
type lateAcks struct {
	mu      sync.Mutex
	open    map[uint64]*lateEntry
	order   []uint64 // of open, oldest first
	drivers int      // in all of open
}

// lateEntry is one closed entry with missing drivers. A closed record comes before every late record of its entry.
type lateEntry struct {
	seq      uint64
	handedAt time.Time
	awaited  map[string]bool
	acks     []swarm.LateAck
	written  map[string]bool // drivers whose late answer another node has written
	queued   bool            // a record of acks is due or being written
}

// expect starts to collect late acks of an entry that closed with these drivers missing. The closed record must be
// durable. Answers that arrived before that are included; due is as for answer.
func (b *lateAcks) expect(seq uint64, handedAt time.Time, missing []string, early []swarm.LateAck) (due bool) {
	if len(missing) == 0 {
		return false
	}
	e := &lateEntry{seq: seq, handedAt: handedAt, awaited: make(map[string]bool, len(missing))}
	for _, id := range missing {
		e.awaited[id] = true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.open == nil {
		b.open = map[uint64]*lateEntry{}
	}
	b.open[seq] = e
	b.order = append(b.order, seq)
	b.drivers += len(missing)
	for len(b.order) > 1 && (len(b.order) > maxLateEntries || b.drivers > maxLateDrivers) {
		b.drivers -= len(b.open[b.order[0]].awaited)
		delete(b.open, b.order[0])
		b.order = b.order[1:]
	}
	for _, ack := range early {
		e.queued = b.note(e, ack) || e.queued
	}
	return e.queued
}

// answer handles a late answer. If due is true, the caller must make sure that take is called for seq.
func (b *lateAcks) answer(
	seq uint64, id string, reply swarm.Reply, at time.Time,
) (latency time.Duration, taken, due bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.open[seq]
	if e == nil {
		return 0, false, false
	}
	latency = at.Sub(e.handedAt)
	taken = b.note(e, swarm.LateAck{DriverID: id, Reply: reply, Latency: latency})
	due = taken && !e.queued
	e.queued = e.queued || taken
	return latency, taken, due
}

// note keeps the first late answer of a missing driver.
func (b *lateAcks) note(e *lateEntry, ack swarm.LateAck) bool {
	if !e.awaited[ack.DriverID] {
		return false
	}
	delete(e.awaited, ack.DriverID)
	b.drivers--
	e.acks = append(e.acks, ack)
	return true
}

// recorded forgets answers that another node has written into the log.
func (b *lateAcks) recorded(r *swarm.Late) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.open[r.Seq]
	if e == nil {
		return
	}
	for _, ack := range r.Acks {
		if e.awaited[ack.DriverID] {
			delete(e.awaited, ack.DriverID)
			b.drivers--
		}
		if e.written == nil {
			e.written = map[string]bool{}
		}
		e.written[ack.DriverID] = true
	}
	e.acks = e.unwritten(e.acks)
}

func (e *lateEntry) unwritten(acks []swarm.LateAck) []swarm.LateAck {
	return slices.DeleteFunc(acks, func(ack swarm.LateAck) bool { return e.written[ack.DriverID] })
}

// take returns and removes the collected answers of seq.
func (b *lateAcks) take(seq uint64) []swarm.LateAck {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.open[seq]
	if e == nil {
		return nil
	}
	acks := e.acks
	e.acks, e.queued = nil, false
	return acks
}

// restore puts back the answers of a failed append.
func (b *lateAcks) restore(seq uint64, acks []swarm.LateAck) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.open[seq]; e != nil {
		e.acks = append(e.unwritten(acks), e.acks...)
		e.queued = true
	}
}

// due returns the entries whose answers are not in a record yet.
func (b *lateAcks) due() []uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	var seqs []uint64
	for _, seq := range b.order {
		if b.open[seq].queued {
			seqs = append(seqs, seq)
		}
	}
	return seqs
}
