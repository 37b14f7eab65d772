package dispatch

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/swarmcall/swarmcall/command"
	"github.com/swarmcall/swarmcall/internal/swarm"
)

const (
	retryEvery = 250 * time.Millisecond // how soon the append of outcomes is retried after a failure

	// After a conflict the sequencer waits a random time below this, twice as long after the next one, and so on, or one
	// node could lose again and again.
	conflictPause = time.Millisecond
	mostDoublings = 4
)

// Run is the sequencer: it drains the queue, appends with one call per batch and offers new commands in seq order. It
// returns after Shutdown. There must be exactly one Run per Dispatcher; the caller waits for it.
func (d *Dispatcher) Run() {
	for range d.queue.wake {
		d.gathering.wait(d.queue)
		b, ended := d.queue.take()
		if ended {
			return
		}
		if !b.empty() {
			d.step(b)
			d.gathering.over(d.queue)
		}
	}
}

// work is the content of one append, in this order.
type work struct {
	closes  []*Call
	resets  []*reset
	expired []*swarm.Expired
	issues  []admitted
	lates   []*swarm.Late
	lateFor []uint64 // the entries whose late acks were due, also those without a record

	began time.Time // when its append began
}

// step appends one batch and carries it out.
func (d *Dispatcher) step(b batch) {
	defer d.stepped()
	defer d.delivery.Settled()
	postponed := d.postponed
	d.postponed = nil
	defer func() { wake(postponed) }()
	d.basis = d.log.Last() // before anything is decided
	lost := d.leaseLost.Swap(false)
	if d.leaseless = !d.holds(); d.leaseless || lost {
		d.giveUp()
	}
	b.closes = stillOpen(b.closes)
	issues, rest := d.admit(b)
	w := work{
		closes: b.closes, resets: b.resets, expired: d.stillIdle(b.expired), issues: issues,
		lates: d.lateRecords(b.lates), lateFor: b.lates,
	}
	w, err := d.writeInParts(w)
	if errors.Is(err, swarm.ErrConflict) {
		d.decideAgain(w, rest, b.settled)
		return
	}
	d.conflictsInRow = 0
	defer settle(b.settled)
	if err != nil {
		d.noteFailure(w, err)
		d.failed(w, err)
		if len(w.resets) > 0 { // rest would wait for them, and they are retried later
			refuse(rest, refusalOf(err))
			return
		}
	}
	if d.queue.requeue(batch{submits: rest}) {
		d.queue.nudge()
	}
}

// writeInParts writes w. If that fails, it writes what a full log still accepts, outcomes and Stops, which must not fail
// with the rest. After an error it returns what has failed and was not handled yet.
func (d *Dispatcher) writeInParts(w work) (work, error) {
	err := d.write(w)
	if err == nil || errors.Is(err, swarm.ErrConflict) {
		return w, err
	}
	first, others := w.split()
	if first.len() == 0 || others.len() == 0 {
		return w, err
	}
	d.failed(others, err)
	return first, d.write(first)
}

// noteFailure records since when the log has accepted no essential record. It does not count that a full log refuses
// load: such a log still accepts a Stop.
func (d *Dispatcher) noteFailure(w work, err error) {
	if first, _ := w.split(); first.len() == 0 && swarm.IsLogFull(err) {
		return
	}
	now := time.Now()
	d.downSince.CompareAndSwap(nil, &now)
}

// write appends w. Before it returns, Take has carried it out. After an error nothing has been written.
func (d *Dispatcher) write(w work) error {
	if w.len() == 0 {
		return nil
	}
	w.began = time.Now()
	d.writing.Store(&w)
	defer d.writing.Store(nil)
	// Never use a submitter's context: accepted work is written, whether a client still waits for it or not.
	_, err := d.log.Append(context.Background(), d.basis, d.records(w))
	return err
}

// decideAgain puts back the work of an append that came after another one: what it decided may be wrong now. It goes
// first in the next batch.
func (d *Dispatcher) decideAgain(w work, rest []*submission, settled []chan struct{}) {
	submits := make([]*submission, 0, len(w.issues)+len(rest))
	for _, f := range w.issues {
		submits = append(submits, f.submission)
	}
	for _, l := range w.lates {
		d.late.restore(l.Seq, l.Acks)
	}
	pause := rand.N(conflictPause << min(d.conflictsInRow, mostDoublings)) //nolint:gosec // spreads load; not a secret
	d.conflictsInRow++
	d.queue.requeue(batch{
		closes: w.closes, resets: d.stillEmpty(w.resets), expired: w.expired, submits: append(submits, rest...),
		lates: w.lateFor, settled: settled,
	})
	time.AfterFunc(pause, d.queue.nudge)
}

// stillEmpty drops the resets of a swarm without drivers, if a driver is connected after all. A new epoch stays.
func (d *Dispatcher) stillEmpty(resets []*reset) []*reset {
	if len(resets) == 0 || !anyActive(d.drivers.Members(swarm.TargetQuery{}).Members) {
		return resets
	}
	return slices.DeleteFunc(resets, func(r *reset) bool {
		if r.record.LogID != "" {
			return false
		}
		close(r.folded)
		return true
	})
}

func settle(settled []chan struct{}) {
	for _, done := range settled {
		close(done)
	}
}

// stillOpen drops the outcomes of commands that another node has closed or closes now.
func stillOpen(closes []*Call) []*Call {
	return slices.DeleteFunc(closes, func(c *Call) bool { return c.foreign.Load() || c.Entry().Closed != nil })
}

// stillIdle drops commands that must not expire after all, because a driver of their target has connected.
func (d *Dispatcher) stillIdle(expired []*swarm.Expired) []*swarm.Expired {
	kept := expired[:0]
	for _, e := range expired {
		_, known := d.fold.Base(e.Replaced, "") // else another node has replaced it
		if known && len(d.drivers.Members(swarm.TargetQuery{Target: e.Target}).Members) == 0 {
			e.Node, e.At = d.node, time.Now().UTC()
			kept = append(kept, e)
		}
	}
	return kept
}

func (d *Dispatcher) records(w work) []swarm.Record {
	records := make([]swarm.Record, 0, w.len())
	for _, c := range w.closes {
		records = append(records, c.closing)
	}
	for _, r := range w.resets {
		records = append(records, r.record)
	}
	for _, e := range w.expired {
		records = append(records, e)
	}
	for _, f := range w.issues {
		records = append(records, f.issued)
	}
	for _, l := range w.lates {
		records = append(records, l)
	}
	return records
}

func (w work) len() int {
	return len(w.closes) + len(w.resets) + len(w.expired) + len(w.issues) + len(w.lates)
}

// split separates what a nearly full log must still accept from the rest.
func (w work) split() (first, rest work) {
	first = work{closes: w.closes, resets: w.resets, expired: w.expired}
	rest = work{lates: w.lates, lateFor: w.lateFor}
	for _, f := range w.issues {
		if f.Command.Type == command.Stop {
			first.issues = append(first.issues, f)
		} else {
			rest.issues = append(rest.issues, f)
		}
	}
	return first, rest
}

// lateRecords turns the collected late acks into records.
func (d *Dispatcher) lateRecords(seqs []uint64) []*swarm.Late {
	var out []*swarm.Late
	for _, seq := range seqs {
		if acks := d.late.take(seq); len(acks) > 0 {
			out = append(out, &swarm.Late{Seq: seq, Node: d.node, At: time.Now().UTC(), Acks: acks})
		}
	}
	return out
}

// failed answers the submitters and requeues what must still be recorded: outcomes, resets and late answers. They go
// first in the next batch, so that a reset keeps its place before later commands. Expiries are requested again by the
// drivers' side.
func (d *Dispatcher) failed(w work, err error) {
	d.logger.Error("the log accepted no records", "err", err, "closed", len(w.closes), "issued", len(w.issues))
	for _, f := range w.issues {
		f.answer(submitted{err: refusalOf(err)})
	}
	for _, l := range w.lates {
		d.late.restore(l.Seq, l.Acks)
	}
	if d.queue.requeue(batch{closes: w.closes, resets: w.resets, lates: w.lateFor}) {
		time.AfterFunc(retryEvery, d.queue.nudge)
	}
}

// refusalOf returns what submitters receive after a failed append.
func refusalOf(err error) error {
	if swarm.CodeOf(err) != swarm.CodeInternal {
		return err
	}
	return &swarm.Error{
		Code: swarm.CodeLogUnavailable, Detail: "the log cannot accept entries at the moment; nothing was sent",
		Cause: err,
	}
}

func refuse(submits []*submission, err error) {
	for _, s := range submits {
		s.answer(submitted{err: err})
	}
}
