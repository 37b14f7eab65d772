package web

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
	"github.com/swarmcall/swarmcall/web/internal/view"
)

// recent keeps the newest entries for the live pages, updated by the feed.
type recent struct {
	log    Log
	feed   Feed
	logger *slog.Logger

	withdrawals *withdrawals // receives the records of the feed

	mu      sync.Mutex
	entries []swarm.Entry // newest first
	err     error
	gen     uint64 // rises with every change
}

func newRecent(log Log, feed Feed, logger *slog.Logger) *recent {
	return &recent{log: log, feed: feed, logger: logger}
}

// now returns the entries, and a number that changes when they change.
func (r *recent) now() (entries []swarm.Entry, gen uint64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.entries), r.gen, r.err
}

func (r *recent) reload(ctx context.Context) error {
	p, err := r.log.Page(ctx, swarm.Query{Limit: view.RecentEntries})
	if err != nil && ctx.Err() == nil {
		r.logger.Debug("the dashboard cannot read the log", "err", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err = err; err == nil {
		r.entries = p.Entries
	}
	r.gen++
	return err
}

// follow reads the feed until ctx ends. It takes the position before it reads the entries, so that no record is missed.
func (r *recent) follow(ctx context.Context) {
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
		position := r.feed.Last()
		if r.reload(ctx) != nil { // the entries up to the position are unknown, and no event contains them
			again.Reset(time.Second)
			continue
		}
		for {
			events, err := r.feed.After(ctx, position)
			if err != nil {
				break
			}
			for _, e := range events {
				r.apply(e.Position, e.Record)
				r.withdrawals.add(e.Stored)
				position = e.Position
			}
		}
		again.Reset(time.Second)
	}
}

// apply adds a record. A record that was already applied changes nothing. Slices are replaced and never written to,
// because other goroutines read them.
func (r *recent) apply(position uint64, record swarm.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gen++
	switch rec := record.(type) {
	case *swarm.Issued:
		if len(r.entries) == 0 || r.entries[0].Seq < position {
			kept := r.entries[:min(len(r.entries), view.RecentEntries-1)]
			r.entries = append([]swarm.Entry{{Seq: position, Issued: rec}}, kept...)
		}
	case *swarm.Closed:
		r.change(rec.Seq, func(e *swarm.Entry) { e.Closed = rec })
	case *swarm.Late:
		r.change(rec.Seq, func(e *swarm.Entry) { e.Late = withLate(e.Late, rec.Acks) })
	}
}

func (r *recent) change(seq uint64, f func(*swarm.Entry)) {
	for i := range r.entries {
		if r.entries[i].Seq == seq {
			r.entries = slices.Clone(r.entries)
			f(&r.entries[i])
			return
		}
	}
}

// withLate adds the first late answer of each driver.
func withLate(late, more []swarm.LateAck) []swarm.LateAck {
	out := slices.Clone(late)
	for _, a := range more {
		if !slices.ContainsFunc(out, func(l swarm.LateAck) bool { return l.DriverID == a.DriverID }) {
			out = append(out, a)
		}
	}
	return out
}
