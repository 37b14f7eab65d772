package app

import (
	"context"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/internal/swarm"
)

// recover handles what the last process left behind: open entries, and the load of a swarm that has disconnected since.
// Of a shared log, other nodes may own the entries, and may have drivers: see join and admitDrivers.
func (s *server) recover(ctx context.Context) error {
	m := s.memory
	open, err := s.log.Unclosed(ctx)
	if err != nil {
		return err
	}
	if s.nodes != nil {
		return s.recall(ctx, m.desired, open)
	}
	if err := s.dispatcher.Recover(ctx, open); err != nil {
		return err
	}
	if err := s.recall(ctx, m.desired, open); err != nil {
		return err
	}
	if !m.desired.Running() || time.Since(m.lastSession(s.sessions.LastSession())) < s.cfg.ForgetAfter {
		return nil
	}
	reset := &swarm.Reset{
		Node: s.cfg.NodeName, At: time.Now().UTC(), Cause: "no driver was connected for " + s.cfg.ForgetAfter.String() +
			" before the start",
	}
	seq, err := s.log.Append(ctx, s.log.Last(), []swarm.Record{reset})
	if err != nil {
		return err
	}
	m.take(seq, reset)
	s.cfg.Logger.Info("the load of an earlier swarm was reset: drivers receive a stop", "seq", seq)
	return nil
}

// recall makes the dispatcher accept late answers to commands that are still desired: drivers that missed such a
// command receive it when they reconnect. Entries that were open until now are already awaited.
func (s *server) recall(ctx context.Context, desired *swarm.Desired, open []swarm.Entry) error {
	var closed []swarm.Entry
	for _, rule := range desired.Rules() {
		if rule.Reset || slices.ContainsFunc(open, func(e swarm.Entry) bool { return e.Seq == rule.Seq }) {
			continue
		}
		e, err := s.log.Entry(ctx, rule.Seq)
		if err != nil {
			return err
		}
		if e.Closed != nil {
			closed = append(closed, e)
		}
	}
	s.dispatcher.Recall(closed)
	return nil
}
