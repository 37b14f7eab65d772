package process_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// killTallies are the figures of the kill rounds.
type killTallies struct {
	lost, doubled, half, order, outcome, keys, history, sent, verify tally
}

func newKillTallies(t *testing.T, seed uint64) *killTallies {
	f := func(what string) tally { return tally{t: t, what: what, seed: seed} }
	return &killTallies{
		lost:    f("answered commands that are lost or changed"),
		doubled: f("commands that are in the log twice"),
		half:    f("entries that nobody sent, or that are half there"),
		order:   f("pairs of a writer's commands out of order"),
		outcome: f("entries without an outcome after the restart, or with another than was answered"),
		keys:    f("keys that lead elsewhere after the restart"),
		history: f("histories of a submitter that no order explains"),
		sent:    f("commands at a driver that are not in the log, or out of order"),
		verify:  f("logs that `swarmcall log verify` finds damaged"),
	}
}

func (c *killTallies) report() {
	for _, f := range []*tally{&c.lost, &c.doubled, &c.half, &c.order, &c.outcome, &c.keys, &c.history, &c.sent,
		&c.verify} {
		f.report()
	}
}

// settled returns the entries of a round. Those from before the kill have to be closed by now; those that came after
// the restart, soon.
func (c *killTallies) settled(w *world, last uint64, killed time.Time) (log []entry) {
	w.t.Helper()
	log = w.client.entries(w.t, last, "")
	for _, e := range log {
		at, err := time.Parse(time.RFC3339, e.SubmittedAt)
		c.outcome.trial(err == nil && (e.Status != "pending" || at.After(killed)),
			"open after the restart at %v: %+v, %v", killed, e, err)
	}
	eventually(w.t, patience, "every entry is closed", func() bool {
		log = w.client.entries(w.t, last, "")
		return !slices.ContainsFunc(log, func(e entry) bool { return e.Status == "pending" })
	})
	return log
}

// check compares one round's history with the entries that the log has of it.
func (c *killTallies) check(w *world, h *history, log []entry, round int) {
	byCommand := map[string]map[int64]entry{}
	for _, e := range log {
		if byCommand[e.Submitter] == nil {
			byCommand[e.Submitter] = map[int64]entry{}
		}
		_, again := byCommand[e.Submitter][e.Command.Players]
		c.doubled.trial(!again, "round %d: %s %d is in the log twice, again at %d", round, e.Submitter,
			e.Command.Players, e.Seq)
		byCommand[e.Submitter][e.Command.Players] = e
		c.outcome.trial(e.complete(), "round %d: %+v", round, e)
	}
	c.checkAppends(h, byCommand, round)
	c.checkKeys(w, h, round)
	c.checkSent(w, log, round)
	for i := range submitters {
		s := fmt.Sprintf("w-%d-%d", round, i)
		result := linearizable(h.of(s), byCommand[s])
		c.history.trial(result == porcupine.Ok, "round %d: the history of %s is %s", round, s, result)
	}
	out, err := verify(w.t, w.launch.dir)
	c.verify.trial(err == nil, "round %d: %s", round, out)
}

func (c *killTallies) checkAppends(h *history, log map[string]map[int64]entry, round int) {
	newest := map[int]uint64{}
	asked := map[string]map[int64]bool{}
	for _, o := range h.appends() {
		s := o.command.submitter
		if asked[s] == nil {
			asked[s] = map[int64]bool{}
		}
		asked[s][o.command.players] = true
		e, logged := log[s][o.command.players]
		if !o.unknown {
			a := o.answer.entry
			c.lost.trial(logged && e.Seq == a.Seq && e.SubmittedAt == a.SubmittedAt,
				"round %d: answered %s, logged %+v", round, o.answer.body, e)
			final := a.ClosedAt == "" || a.ClosedAt == e.ClosedAt && a.Status == e.Status &&
				a.Counts.Acked == e.Counts.Acked
			c.outcome.trial(final, "round %d: answered %s, logged %+v", round, o.answer.body, e)
		}
		if logged && !o.answer.replayed && o.command.key == "" {
			c.order.trial(newest[o.writer] < e.Seq, "round %d: writer %d: %d is not after %d", round, o.writer, e.Seq,
				newest[o.writer])
		}
		newest[o.writer] = max(newest[o.writer], e.Seq)
	}
	for s, entries := range log {
		for players, e := range entries {
			c.half.trial(asked[s][players] && e.Command.Type == "set_players" && e.DeadlineMS == 2000, "round %d: %+v",
				round, e)
		}
	}
}

// checkKeys sends commands with a key again: the newest of each writer, which the crash was closest to.
func (c *killTallies) checkKeys(w *world, h *history, round int) {
	newest := map[int]op{}
	for _, o := range h.appends() {
		if o.command.key != "" {
			newest[o.writer] = o
		}
	}
	for _, o := range newest {
		a, err := w.client.post(w.t.Context(), o.command)
		c.keys.trial(err == nil && a.replayed && a.entry.Seq == o.answer.entry.Seq && a.entry.complete(),
			"round %d: was %s, is %s %v", round, o.answer.body, a.body, err)
		o.command.players++
		a, err = w.client.post(w.t.Context(), o.command)
		c.keys.trial(err == nil && a.code == "idempotency_key_reused",
			"round %d: another request with the same key: %s %v", round, a.body, err)
	}
}

// checkSent compares what reached the drivers with the log: it has to be there, whatever was answered.
func (c *killTallies) checkSent(w *world, log []entry, round int) {
	bySeq := map[uint64]entry{}
	for _, e := range log {
		bySeq[e.Seq] = e
	}
	for _, d := range w.drivers {
		newest := frame{}
		for _, f := range d.got() {
			if f.session == newest.session && !f.desired {
				c.sent.trial(f.seq > newest.seq, "round %d: %s got %d after %d", round, d.id, f.seq, newest.seq)
			}
			newest = f
			if f.seq < log[0].Seq {
				continue // of an earlier round
			}
			e, ok := bySeq[f.seq]
			c.sent.trial(ok && e.Command.Players == f.players, "round %d: %s got %+v, the log has %+v", round, d.id, f,
				e)
		}
	}
}
